"""The client assistance fund: funds, disbursements, the double-entry ledger and statements."""

"""The client assistance fund: funds, disbursements and the double-entry ledger."""

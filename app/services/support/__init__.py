"""Support sessions, clinical notes, service referrals, documents, legal steps."""

"""Referrals: intake, possible duplicates, acceptance."""

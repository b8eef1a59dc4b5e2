"""The demonstration caseload: 120 invented children over 26 months."""

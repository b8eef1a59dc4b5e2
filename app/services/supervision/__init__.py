"""Supervision: the caseload standard, supervision meetings, missing data, and the overview of a team."""

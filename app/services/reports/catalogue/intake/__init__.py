"""Reports about referrals, cases, caseloads and the quality of the data."""

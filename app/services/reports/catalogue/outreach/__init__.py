"""Reports about outreach activities."""

"""Reports about assessments, plans, support and reviews."""

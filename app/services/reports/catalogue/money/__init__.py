"""Reports about the assistance fund."""

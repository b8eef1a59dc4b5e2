"""Reports about the exit and the time after it."""

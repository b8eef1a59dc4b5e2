"""Exit plans, case closure, reopening, follow-ups."""

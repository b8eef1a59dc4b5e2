"""Assessments of a child, supporter or family, and the questionnaires they use."""

"""Assessments of a child, a supporter or a family, and the scored questionnaires they use."""

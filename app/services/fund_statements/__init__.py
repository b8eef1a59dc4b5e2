"""Statements of a fund for its donor."""

"""Confirmation of changes by a second person."""

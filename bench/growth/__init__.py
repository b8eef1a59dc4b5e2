"""Measure how the time in PostgreSQL depends on the size of the database: 10,000 to 1,000,000 cases."""

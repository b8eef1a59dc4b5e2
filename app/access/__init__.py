"""Callers and permissions, credentials and keys, encryption, and the access log."""

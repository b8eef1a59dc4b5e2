"""Request and response schemas. Requests reject unknown fields; responses have no default values."""

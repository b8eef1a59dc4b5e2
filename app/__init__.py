"""First Step: case management for child protection. An access log records whose data each request reads or changes."""

"""First Step: case management for child protection, with an access log of every record shown."""

"""The server process and its installation: start, workers, health checks, key rotation, cleanup."""

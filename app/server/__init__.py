"""Run the server and maintain its installation: start, workers, readiness, key rotation, search tokens, jobs."""

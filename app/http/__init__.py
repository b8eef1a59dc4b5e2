"""HTTP layer: authorization, the database session of a request, JSON bodies, responses, problem details."""

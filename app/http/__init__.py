"""Request plumbing: authorization, the session of a request, JSON bodies, responses, problem details."""

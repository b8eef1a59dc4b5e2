"""Metrics for Prometheus, served by a separate process."""

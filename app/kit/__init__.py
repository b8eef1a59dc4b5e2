"""Mechanisms that services share: fetching and locking records, state machines, approval, pagination, idempotency."""

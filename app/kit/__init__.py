"""Mechanisms that the services share: fetching and locking records, state machines, approval, pagination, idempotency.

In this package and in the services, a function `check_…` returns a list of faults, and a function `validate_…` raises.
"""

"""The filters of the list of access entries, and the index that a combination of them uses."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlmodel import col

from app.models import AccessEntry, AccessEvent

OUTCOME_STARTED = "started"
"""Outcome of an event without an entry: the request is in progress, or its process ended without recording an outcome.
"""
ENTRY_FILTERS: Mapping[str, Any] = {
    "child_id": col(AccessEntry.child_id),
    "case_id": col(AccessEntry.case_id),
    "record_kind": col(AccessEntry.record_kind),
    "record_id": col(AccessEntry.record_id),
}
EVENT_FILTERS: Mapping[str, Any] = {
    "request_id": col(AccessEvent.request_id),
    "correlation_id": col(AccessEvent.correlation_id),
    "actor_id": col(AccessEvent.actor_id),
    "act": col(AccessEvent.act),
}
FILTERS = {*ENTRY_FILTERS, *EVENT_FILTERS}
RECORD_FILTERS = ("record_id", "case_id")
"""Filters for which the query reads the entries of the children of the record. The log has no index by record."""


class LogShape(NamedTuple):
    """The parts of a request that change the SQL of the list."""

    parameters: frozenset[str]
    """Names of the filters and of the other parameters of the statement."""
    outcome: str | None
    limit: int
    can_read_all: bool
    """Whether the caller can read all entries. Other callers are supervisors."""

    @property
    def indexed_filter(self) -> str | None:
        """The filter whose index the list reads. None reads all events, newest first."""
        for name in ("request_id", "child_id", *RECORD_FILTERS):
            if name in self.parameters:
                return name
        if self.outcome not in {None, "allowed", OUTCOME_STARTED}:
            return "outcome"  # the entries of rejected requests have an index
        return next((name for name in ("correlation_id", "actor_id", "act") if name in self.parameters), None)

    @property
    def counts_all_events(self) -> bool:
        """Whether the interval counts all events of the log, not only the rows of one index.

        For the filters `act` and `outcome` of a supervisor, it counts all events, because the row policies remove the
        events of other teams.
        """
        return self.indexed_filter is None or (
            self.indexed_filter in {"act", "outcome"} and not self.can_read_all
        )

    @property
    def needs_interval(self) -> bool:
        """Whether a page examines an interval only, because the index does not contain all filters."""
        if self.indexed_filter == "request_id":
            return False
        others = FILTERS & self.parameters - ({self.indexed_filter} - {*RECORD_FILTERS})
        has_other_outcome = self.outcome is not None and self.indexed_filter != "outcome"
        is_filtered_by_policy = self.counts_all_events and not self.can_read_all
        return bool(others) or has_other_outcome or is_filtered_by_policy

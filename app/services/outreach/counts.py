"""Convert numbers of participants between requests and rows, and complete the numbers that a request omits."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from app.models import OutreachParticipants
from app.schemas.outreach_counts import (
    CountsByAgeGroup,
    CountsByDisability,
    CountsBySex,
)
from app.schemas.outreach_counts import OutreachParticipants as OutreachParticipantsSchema

BREAKDOWNS = {
    "by_sex": ("sex", tuple(CountsBySex.model_fields)),
    "by_age_group": ("age", tuple(CountsByAgeGroup.model_fields)),
    "by_disability": ("disability", tuple(CountsByDisability.model_fields)),
}
"""Prefix of the columns and keys of each breakdown, by its field in requests: `by_sex.male` is the column `sex_male`."""
COUNT_COLUMNS = tuple(f"{prefix}_{key}" for prefix, keys in BREAKDOWNS.values() for key in keys)
PARTICIPANT_COLUMNS = ("audience", "persons", "attendances", *COUNT_COLUMNS)
"""Columns of a row without the id of its activity."""


def sum_known(participants: OutreachParticipantsSchema, breakdown: str) -> int:
    """Return the sum of the numbers of a breakdown, without `unknown`."""
    counts: dict[str, int] = getattr(participants, breakdown).model_dump(exclude={"unknown"})
    return sum(counts.values())


def build_participant_rows(
    activity_id: UUID, participants: Iterable[OutreachParticipantsSchema]
) -> list[OutreachParticipants]:
    """Return the rows of an activity. `unknown` and `attendances` are completed, if the request leaves them out."""
    return [
        OutreachParticipants(
            activity_id=activity_id,
            audience=item.audience,
            persons=item.persons,
            attendances=item.persons if item.attendances is None else item.attendances,
            **_build_count_columns(item),
        )
        for item in participants
    ]


def _build_count_columns(item: OutreachParticipantsSchema) -> dict[str, Any]:
    columns: dict[str, int] = {}
    for field, (prefix, keys) in BREAKDOWNS.items():
        counts = getattr(item, field).model_dump()
        if counts["unknown"] is None:
            counts["unknown"] = item.persons - sum_known(item, field)
        columns |= {f"{prefix}_{key}": counts[key] for key in keys}
    return columns


def row_to_participants(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of one audience as a JSON document."""
    breakdowns = {
        field: {key: row[f"{prefix}_{key}"] for key in keys} for field, (prefix, keys) in BREAKDOWNS.items()
    }
    return {name: row[name] for name in ("audience", "persons", "attendances")} | breakdowns

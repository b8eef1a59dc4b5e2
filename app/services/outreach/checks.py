"""Check that the fields and numbers of an outreach activity are consistent, and that it refers to existing records."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.models import Agency, User
from app.schemas.outreach import OutreachActivityContent
from app.schemas.outreach_counts import OutreachParticipants
from app.services.outreach.counts import BREAKDOWNS, sum_known
from app.services.persons import places

KINDS_BY_FIELD = {
    "government_level": ("meeting",),
    "copies": ("research_dissemination",),
    "scores": ("awareness_session", "agent_training", "training", "consultation", "coaching"),
}
"""Kinds of activities that can have a field."""
AGENTS = ("child_agents", "parent_agents")
"""Audiences of a training of agents. They have become agents with it."""
KIND_WITHOUT_PARTICIPANTS = "research_dissemination"
"""Kind of an activity that can distribute a publication, without a place and without participants."""


async def check_activity(session: AsyncSession, activity: OutreachActivityContent) -> list[Fault]:
    """Return a fault for each field that contradicts another one or refers to an unknown record."""
    return [
        *_check_period(activity),
        *await _check_place(session, activity),
        *_check_fields_of_kind(activity),
        *_check_participants(activity),
        *_check_scores(activity),
        *await _check_references(session, Agency, "partner_ids", activity.partner_ids),
        *await _check_references(session, User, "facilitator_ids", activity.facilitator_ids),
    ]


def _check_period(activity: OutreachActivityContent) -> Iterator[Fault]:
    if activity.ends_on is not None and activity.ends_on < activity.starts_on:
        yield Fault("/ends_on", "period_reversed", "Must not end before it begins.")


async def _check_place(session: AsyncSession, activity: OutreachActivityContent) -> list[Fault]:
    if activity.place_code is None:
        if activity.is_online or activity.kind == KIND_WITHOUT_PARTICIPANTS:
            return []
        detail = "The place is required unless the activity was online or distributed a publication."
        return [Fault("/place_code", "place_missing", detail)]
    if activity.place_code in await places.get_place_codes(session):
        return []
    return [Fault("/place_code", "place_unknown", "No place has this code.")]


def _check_fields_of_kind(activity: OutreachActivityContent) -> Iterator[Fault]:
    for field, kinds in KINDS_BY_FIELD.items():
        if getattr(activity, field) is not None and activity.kind not in kinds:
            detail = f"Only activities of these kinds have this field: {', '.join(kinds)}."
            yield Fault(f"/{field}", "field_unfit", detail, {"allowed": list(kinds)})


def _check_participants(activity: OutreachActivityContent) -> Iterator[Fault]:
    if not activity.participants and activity.kind != KIND_WITHOUT_PARTICIPANTS:
        detail = "The number of participants of at least one audience is required."
        yield Fault("/participants", "participants_missing", detail)
    audiences = [item.audience for item in activity.participants]
    for index, item in enumerate(activity.participants):
        pointer = f"/participants/{index}"
        if item.audience in audiences[:index]:
            yield Fault(f"{pointer}/audience", "repeated", "Each audience occurs once.")
        if activity.kind == "agent_training" and item.audience not in AGENTS:
            detail = f"A training of agents has only these audiences: {', '.join(AGENTS)}."
            yield Fault(f"{pointer}/audience", "audience_unfit", detail, {"allowed": list(AGENTS)})
        yield from _check_attendances(item, activity.sessions, f"{pointer}/attendances")
        yield from _check_breakdowns(item, pointer)


def _check_attendances(item: OutreachParticipants, sessions: int, pointer: str) -> Iterator[Fault]:
    if item.attendances is None:
        return
    if item.attendances < item.persons:
        detail = "Must be at least `persons`, because each person attended at least once."
        yield Fault(pointer, "attendances_below_persons", detail)
    if item.attendances > item.persons * sessions:
        detail = (
            "Must be at most `persons` times `sessions`, because a person attends a session at most once."
        )
        yield Fault(pointer, "attendances_above_sessions", detail)


def _check_breakdowns(item: OutreachParticipants, pointer: str) -> Iterator[Fault]:
    for field in BREAKDOWNS:
        known, unknown = sum_known(item, field), getattr(item, field).unknown
        if known > item.persons or (unknown is not None and known + unknown != item.persons):
            detail = (
                "The numbers must add up to `persons`. Without `unknown`, the server adds the rest to it."
            )
            yield Fault(f"{pointer}/{field}", "counts_unequal", detail)


def _check_scores(activity: OutreachActivityContent) -> Iterator[Fault]:
    scores = activity.scores
    if scores is None:
        return
    if scores.before is None and scores.after is None:
        yield Fault("/scores", "scores_missing", "The result before or after the activity is required.")
    persons = sum(item.persons for item in activity.participants)
    for name, result in (("before", scores.before), ("after", scores.after)):
        if result is None:
            continue
        if result.mean > scores.maximum:
            detail = "Must be at most `maximum`, the highest possible score."
            yield Fault(f"/scores/{name}/mean", "score_above_maximum", detail)
        if result.persons > persons:
            detail = "Must be at most the number of persons of all audiences."
            yield Fault(f"/scores/{name}/persons", "tested_above_persons", detail)


async def _check_references(
    session: AsyncSession, model: type[Agency] | type[User], field: str, ids: Sequence[UUID]
) -> list[Fault]:
    if not ids:
        return []
    known_ids = {*await session.scalars(select(col(model.id)).where(col(model.id).in_(ids)))}
    faults = [
        Fault(f"/{field}/{index}", "reference_unknown", _UNKNOWN_REFERENCES[field])
        for index, each in enumerate(ids)
        if each not in known_ids
    ]
    repeated = [index for index, each in enumerate(ids) if each in ids[:index]]
    return [*faults, *(Fault(f"/{field}/{index}", "repeated", "Each id occurs once.") for index in repeated)]


_UNKNOWN_REFERENCES = {
    "partner_ids": "No agency has this id.",
    "facilitator_ids": "No member of staff has this id.",
}
"""Message of an unknown id, by field."""

"""The contacts of the demonstration: held, missed and planned ones, their clinical notes and addenda."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo.child import Life
from app.demo.storylines import workday
from app.kit.dates import LOCAL
from app.models.record import now
from app.schemas.support_sessions import (
    AddendumIn,
    ClinicalNoteIn,
    SeriesIn,
    SessionCancellation,
    SupportSessionIn,
    SupportSessionOut,
    SupportSessionPatch,
)
from app.services.support import addenda as support_sessions_addenda
from app.services.support import clinical_notes as support_sessions_notes
from app.services.support import session_series as support_sessions_series
from app.services.support import sessions as support_sessions

KINDS = ("therapy",) * 6 + ("home_visit", "home_visit", "school_visit", "phone_call", "community_visit")
RARE = ("court_accompaniment", "medical_accompaniment")
FORMS = ("art", "play", "talk", "talk", "family", "group")
PLACES = {"therapy": "First Step, room 2", "home_visit": "At home", "school_visit": "At school"}
MISSED_BY = ("missed_by_child", "missed_by_family", "missed_by_worker")
MEASURED = 5
"""Faces on the scale of moods."""
LASTING = timedelta(minutes=75)


def contact_days(life: Life, begin: date, end: date, count: int) -> list[date]:
    """Return so many working days, spread between two."""
    length = max((end - begin).days, 1)
    drawn = {
        workday(begin + timedelta(days=length * (2 * n + 1) // (2 * count) + life.draw.randrange(-2, 3)))
        for n in range(count)
    }
    return sorted(day for day in drawn if begin <= day <= min(end, life.story.last))


async def support(life: Life, begin: date, end: date, count: int) -> None:
    """Play the contacts of some months; on the last hour of therapy there is a clinical note."""
    days = contact_days(life, begin, end, count)
    noted: SupportSessionOut | None = None
    noted_on = begin
    async with life.working(Permission.support_session_record) as (session, actor):
        for day in days:
            with life.on(day, 9 + life.draw.randrange(7)):
                held = await support_sessions.record(session, actor, life.case_id, _contact(life))
                if held.kind == "therapy" and held.status == "held":
                    noted, noted_on = held, day
    if noted is not None and life.draw.random() < 0.5:
        await _note(life, noted.id, min(noted_on + timedelta(days=1), life.story.last))


def _contact(life: Life) -> SupportSessionIn:
    kind = life.draw.choice(RARE if life.draw.random() < 0.04 else KINDS)
    form = life.draw.choice(FORMS) if kind == "therapy" else None
    told: dict[str, Any] = {"kind": kind, "form": form, "place": PLACES.get(kind), **_worked_on(life)}
    at = (now() - LASTING).astimezone(UTC).replace(microsecond=0).isoformat()
    if life.draw.random() < 0.1:
        told |= {
            "planned_at": at,
            "attendance": life.draw.choice(MISSED_BY),
            "missed_reason": life.say("missed"),
        }
        return SupportSessionIn.model_validate(told)
    told |= {
        "held_at": at,
        "attendance": "attended" if life.draw.random() < 0.9 else "attended_part",
        "participants": ["Mother"] if form == "family" else [],
        "summary": life.say("sessions", form or kind),
        "next_step": life.say("next_step"),
    }
    if kind == "therapy" and form != "group":
        told["mood"] = _mood(life)
    return SupportSessionIn.model_validate(told)


def _worked_on(life: Life) -> dict[str, Any]:
    """Return areas and a goal of the plan in force that a contact is about."""
    if life.plan is None:
        return {"areas": ["emotional_health"]}
    goals = [goal for _, area in life.plan.areas for goal in area.goals]
    if not goals:
        return {"areas": ["relationships"]}
    goal = life.draw.choice(goals)
    return {"areas": [goal.area], "goal_ids": [str(goal.id)]}


def _mood(life: Life) -> dict[str, Any]:
    value = max(1, min(MEASURED, 3 + life.story.trend * life.draw.randrange(0, 3) - life.draw.randrange(2)))
    return {"value": value, "of": MEASURED, "words": life.say("mood") if life.draw.random() < 0.4 else None}


async def _note(life: Life, session_id: UUID, day: date) -> None:
    async with life.acting(life.worker, Permission.clinical_note_write, life.clock.date()) as (
        session,
        actor,
    ):
        note = ClinicalNoteIn(text=life.say("clinical"))
        await support_sessions_notes.write(session, actor, session_id, None, note)
    if life.draw.random() < 0.15:
        later = min(day + timedelta(days=2), life.story.last)
        async with life.acting(life.worker, Permission.support_session_record, later) as (session, actor):
            addendum = AddendumIn(text=life.say("addendum"))
            await support_sessions_addenda.add(session, actor, session_id, addendum)


async def in_a_row(life: Life, begin: date) -> None:
    """Play a series from its planning on: six Tuesdays at nine, most of them held."""
    tuesdays = list(_tuesdays(begin, 6))
    async with life.acting(life.worker, Permission.support_session_record, begin) as (session, actor):
        planned = await support_sessions_series.plan(session, actor, life.case_id, _series(tuesdays))
        for contact, day in zip(planned.items, tuesdays, strict=True):
            if day >= life.story.last:
                return
            with life.on(day + timedelta(days=1)):
                if life.draw.random() < 0.12:
                    called_off = SessionCancellation(reason=life.say("missed"))
                    await support_sessions.cancel(session, actor, contact.id, contact.version, called_off)
                    continue
                held = {"held_at": contact.planned_at, "attendance": "attended", "mood": _mood(life)}
                words = {"summary": life.say("sessions", "art"), "next_step": life.say("next_step")}
                patch = SupportSessionPatch.model_validate({**held, **words})
                await support_sessions.change(session, actor, contact.id, contact.version, patch)


async def look_ahead(life: Life) -> None:
    """Plan what is to come: for some a series, for all the next contact or two."""
    async with life.acting(life.worker, Permission.support_session_record, life.story.last) as (
        session,
        actor,
    ):
        if life.story.number % 4 == 1:
            tuesdays = list(_tuesdays(life.story.today + timedelta(days=1), 8))
            await support_sessions_series.plan(session, actor, life.case_id, _series(tuesdays))
            return
        ahead = workday(life.story.today + timedelta(days=4 + life.draw.randrange(12)))
        kind = life.draw.choice(("therapy", "home_visit", "phone_call"))
        told = {"kind": kind, "planned_at": _hour(ahead, 10 + life.story.number % 5), **_worked_on(life)}
        await support_sessions.record(session, actor, life.case_id, SupportSessionIn.model_validate(told))


def _series(days: list[date]) -> SeriesIn:
    told = {"kind": "therapy", "form": "art", "place": PLACES["therapy"], "areas": ["emotional_health"]}
    return SeriesIn.model_validate({**told, "first_at": _hour(days[0], 9), "count": len(days)})


def _tuesdays(begin: date, count: int) -> Iterator[date]:
    first = begin + timedelta(days=(1 - begin.weekday()) % 7)
    return (first + timedelta(weeks=week) for week in range(count))


def _hour(day: date, hour: int) -> str:
    return datetime.combine(day, time(hour), LOCAL).astimezone(UTC).isoformat()

"""The contacts of the demonstration: held, missed and planned ones, their clinical notes and addenda."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import utc_now
from app.schemas.support_session_notes import ClinicalNoteUpdate, SupportSessionAddendumCreate
from app.schemas.support_sessions import (
    SupportSession as SupportSessionSchema,
)
from app.schemas.support_sessions import (
    SupportSessionCancellation,
    SupportSessionCreate,
    SupportSessionSeriesCreate,
    SupportSessionUpdate,
)
from app.services.support import addenda as support_sessions_addenda
from app.services.support import clinical_notes as support_sessions_notes
from app.services.support import session_series as support_sessions_series
from app.services.support import sessions as support_sessions

SESSION_KINDS = ("therapy",) * 6 + (
    "home_visit",
    "home_visit",
    "school_visit",
    "phone_call",
    "community_visit",
)
RARE_SESSION_KINDS = ("court_accompaniment", "medical_accompaniment")
THERAPY_FORMS = ("art", "play", "talk", "talk", "family", "group")
PLACES_BY_KIND = {"therapy": "First Step, room 2", "home_visit": "At home", "school_visit": "At school"}
MISSED_ATTENDANCES = ("missed_by_child", "missed_by_family", "missed_by_worker")
MOOD_SCALE = 5
"""Faces on the scale of moods."""
SESSION_DURATION = timedelta(minutes=75)


def choose_session_days(life: CaseSimulation, begin: date, end: date, count: int) -> list[date]:
    """Return so many working days, spread between two."""
    length = max((end - begin).days, 1)
    drawn = {
        to_workday(begin + timedelta(days=length * (2 * n + 1) // (2 * count) + life.rng.randrange(-2, 3)))
        for n in range(count)
    }
    return sorted(day for day in drawn if begin <= day <= min(end, life.scenario.last_day))


async def simulate_sessions(life: CaseSimulation, begin: date, end: date, count: int) -> None:
    """Play the contacts of some months; on the last hour of therapy there is a clinical note."""
    days = choose_session_days(life, begin, end, count)
    noted: SupportSessionSchema | None = None
    noted_on = begin
    async with life.run_as_lead_worker(Permission.support_session_record) as (session, actor):
        for day in days:
            with life.freeze_day(day, 9 + life.rng.randrange(7)):
                held = await support_sessions.create_case_support_session(
                    session, actor, life.case_id, _build_session(life)
                )
                if held.kind == "therapy" and held.status == "held":
                    noted, noted_on = held, day
    if noted is not None and life.rng.random() < 0.5:
        await _write_clinical_note(life, noted.id, min(noted_on + timedelta(days=1), life.scenario.last_day))


def _build_session(life: CaseSimulation) -> SupportSessionCreate:
    kind = life.rng.choice(RARE_SESSION_KINDS if life.rng.random() < 0.04 else SESSION_KINDS)
    form = life.rng.choice(THERAPY_FORMS) if kind == "therapy" else None
    told: dict[str, Any] = {
        "kind": kind,
        "form": form,
        "place": PLACES_BY_KIND.get(kind),
        **_choose_areas_and_goals(life),
    }
    at = (utc_now() - SESSION_DURATION).astimezone(UTC).replace(microsecond=0).isoformat()
    if life.rng.random() < 0.1:
        told |= {
            "planned_at": at,
            "attendance": life.rng.choice(MISSED_ATTENDANCES),
            "missed_reason": life.choose_text("missed"),
        }
        return SupportSessionCreate.model_validate(told)
    told |= {
        "held_at": at,
        "attendance": "attended" if life.rng.random() < 0.9 else "attended_part",
        "participants": ["Mother"] if form == "family" else [],
        "summary": life.choose_text("sessions", form or kind),
        "next_step": life.choose_text("next_step"),
    }
    if kind == "therapy" and form != "group":
        told["mood"] = _build_mood(life)
    return SupportSessionCreate.model_validate(told)


def _choose_areas_and_goals(life: CaseSimulation) -> dict[str, Any]:
    """Return areas and a goal of the plan in force that a contact is about."""
    if life.current_plan is None:
        return {"areas": ["emotional_health"]}
    goals = [goal for _, area in life.current_plan.areas for goal in area.goals]
    if not goals:
        return {"areas": ["relationships"]}
    goal = life.rng.choice(goals)
    return {"areas": [goal.area], "goal_ids": [str(goal.id)]}


def _build_mood(life: CaseSimulation) -> dict[str, Any]:
    value = max(
        1, min(MOOD_SCALE, 3 + life.scenario.trend * life.rng.randrange(0, 3) - life.rng.randrange(2))
    )
    return {
        "value": value,
        "of": MOOD_SCALE,
        "words": life.choose_text("mood") if life.rng.random() < 0.4 else None,
    }


async def _write_clinical_note(life: CaseSimulation, session_id: UUID, day: date) -> None:
    async with life.run_as(life.worker, Permission.clinical_note_write, life.last_action_at.date()) as (
        session,
        actor,
    ):
        note = ClinicalNoteUpdate(text=life.choose_text("clinical"))
        await support_sessions_notes.replace_clinical_note(session, actor, session_id, None, note)
    if life.rng.random() < 0.15:
        later = min(day + timedelta(days=2), life.scenario.last_day)
        async with life.run_as(life.worker, Permission.support_session_record, later) as (session, actor):
            addendum = SupportSessionAddendumCreate(text=life.choose_text("addendum"))
            await support_sessions_addenda.create_support_session_addendum(
                session, actor, session_id, addendum
            )


async def simulate_session_series(life: CaseSimulation, begin: date) -> None:
    """Play a series from its planning on: six Tuesdays at nine, most of them held."""
    tuesdays = list(_list_tuesdays(begin, 6))
    async with life.run_as(life.worker, Permission.support_session_record, begin) as (session, actor):
        planned = await support_sessions_series.create_case_support_session_series(
            session, actor, life.case_id, _build_series(tuesdays)
        )
        for contact, day in zip(planned.items, tuesdays, strict=True):
            if day >= life.scenario.last_day:
                return
            with life.freeze_day(day + timedelta(days=1)):
                if life.rng.random() < 0.12:
                    called_off = SupportSessionCancellation(reason=life.choose_text("missed"))
                    await support_sessions.cancel_support_session(
                        session, actor, contact.id, contact.version, called_off
                    )
                    continue
                held = {"held_at": contact.planned_at, "attendance": "attended", "mood": _build_mood(life)}
                words = {
                    "summary": life.choose_text("sessions", "art"),
                    "next_step": life.choose_text("next_step"),
                }
                patch = SupportSessionUpdate.model_validate({**held, **words})
                await support_sessions.update_support_session(
                    session, actor, contact.id, contact.version, patch
                )


async def simulate_planned_sessions(life: CaseSimulation) -> None:
    """Plan what is to come: for some a series, for all the next contact or two."""
    async with life.run_as(life.worker, Permission.support_session_record, life.scenario.last_day) as (
        session,
        actor,
    ):
        if life.scenario.number % 4 == 1:
            tuesdays = list(_list_tuesdays(life.scenario.today + timedelta(days=1), 8))
            await support_sessions_series.create_case_support_session_series(
                session, actor, life.case_id, _build_series(tuesdays)
            )
            return
        ahead = to_workday(life.scenario.today + timedelta(days=4 + life.rng.randrange(12)))
        kind = life.rng.choice(("therapy", "home_visit", "phone_call"))
        told = {
            "kind": kind,
            "planned_at": _format_hour(ahead, 10 + life.scenario.number % 5),
            **_choose_areas_and_goals(life),
        }
        await support_sessions.create_case_support_session(
            session, actor, life.case_id, SupportSessionCreate.model_validate(told)
        )


def _build_series(days: list[date]) -> SupportSessionSeriesCreate:
    told = {
        "kind": "therapy",
        "form": "art",
        "place": PLACES_BY_KIND["therapy"],
        "areas": ["emotional_health"],
    }
    return SupportSessionSeriesCreate.model_validate(
        {**told, "first_at": _format_hour(days[0], 9), "count": len(days)}
    )


def _list_tuesdays(begin: date, count: int) -> Iterator[date]:
    first = begin + timedelta(days=(1 - begin.weekday()) % 7)
    return (first + timedelta(weeks=week) for week in range(count))


def _format_hour(day: date, hour: int) -> str:
    return datetime.combine(day, time(hour), CAMBODIA_TIMEZONE).astimezone(UTC).isoformat()

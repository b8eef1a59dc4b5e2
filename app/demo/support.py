"""Simulate support sessions with their clinical notes and addenda."""

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
from app.services.support import addenda, clinical_notes, session_series
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
TOPICS_BY_KIND = {
    "therapy": (
        "emotions",
        "trauma_recovery",
        "problem_solving",
        "self_protection",
        "strengths",
        "self_confidence",
    ),
    "home_visit": ("family_communication", "abuse_knowledge", "caring_for_children", "emotional_support"),
    "school_visit": ("school", "friendships", "self_confidence"),
    "court_accompaniment": ("police_and_court",),
}
"""Topics of the demonstration by kind of session. Other kinds have no topic."""
MISSED_ATTENDANCES = ("missed_by_child", "missed_by_family", "missed_by_worker")
MOOD_SCALE = 5
"""Maximum value of the mood scale."""
SESSION_DURATION = timedelta(minutes=75)


def choose_session_days(simulation: CaseSimulation, begin: date, end: date, count: int) -> list[date]:
    """Return up to `count` working days, spread evenly over a period with a random deviation."""
    day_count = max((end - begin).days, 1)
    days = {
        to_workday(
            begin + timedelta(days=day_count * (2 * n + 1) // (2 * count) + simulation.rng.randrange(-2, 3))
        )
        for n in range(count)
    }
    return sorted(day for day in days if begin <= day <= min(end, simulation.scenario.last_day))


async def simulate_sessions(simulation: CaseSimulation, begin: date, end: date, count: int) -> None:
    """Record the sessions of a period. The last therapy session may have a clinical note."""
    days = choose_session_days(simulation, begin, end, count)
    last_therapy: SupportSessionSchema | None = None
    last_therapy_on = begin
    async with simulation.run_as_lead_worker(Permission.support_session_record) as (session, caller):
        for day in days:
            with simulation.freeze_day(day, 9 + simulation.rng.randrange(7)):
                support_session = await support_sessions.create_case_support_session(
                    session, caller, simulation.case_id, _build_session(simulation)
                )
                if support_session.kind == "therapy" and support_session.status == "held":
                    last_therapy, last_therapy_on = support_session, day
    if last_therapy is not None and simulation.rng.random() < 0.5:
        next_day = min(last_therapy_on + timedelta(days=1), simulation.scenario.last_day)
        await _write_clinical_note(simulation, last_therapy.id, next_day)


def _build_session(simulation: CaseSimulation) -> SupportSessionCreate:
    kind = simulation.rng.choice(RARE_SESSION_KINDS if simulation.rng.random() < 0.04 else SESSION_KINDS)
    form = simulation.rng.choice(THERAPY_FORMS) if kind == "therapy" else None
    payload: dict[str, Any] = {
        "kind": kind,
        "form": form,
        "place": PLACES_BY_KIND.get(kind),
        "topics": _choose_topics(simulation, kind),
        **_choose_areas_and_goals(simulation),
    }
    at = (utc_now() - SESSION_DURATION).astimezone(UTC).replace(microsecond=0).isoformat()
    if simulation.rng.random() < 0.1:
        payload |= {
            "planned_at": at,
            "attendance": simulation.rng.choice(MISSED_ATTENDANCES),
            "missed_reason": simulation.choose_text("missed"),
        }
        return SupportSessionCreate.model_validate(payload)
    payload |= {
        "held_at": at,
        "attendance": "attended" if simulation.rng.random() < 0.9 else "attended_part",
        "participants": ["Mother"] if form == "family" or kind == "phone_call" else ["The child"],
        "summary": simulation.choose_text("sessions", form or kind),
        "next_step": simulation.choose_text("next_step"),
    }
    if kind == "therapy" and form != "group":
        payload["mood"] = _build_mood(simulation)
    return SupportSessionCreate.model_validate(payload)


def _choose_topics(simulation: CaseSimulation, kind: str) -> list[str]:
    """Return one or two topics. Each third therapy session of a child with HSB is about sexual behaviour."""
    topics = TOPICS_BY_KIND.get(kind, ())
    chosen = simulation.rng.sample(topics, min(len(topics), 1 + simulation.rng.randrange(2)))
    is_about_behaviour = simulation.scenario.kind != "survivor" and simulation.rng.randrange(3) == 0
    return ["sexual_behaviour", *chosen] if kind == "therapy" and is_about_behaviour else chosen


def _choose_areas_and_goals(simulation: CaseSimulation) -> dict[str, Any]:
    """Return the areas of a session and, if possible, a goal of the approved care plan."""
    if simulation.current_plan is None:
        return {"areas": ["emotional_health"]}
    goals = [goal for _, area in simulation.current_plan.areas for goal in area.goals]
    if not goals:
        return {"areas": ["relationships"]}
    goal = simulation.rng.choice(goals)
    return {"areas": [goal.area], "goal_ids": [str(goal.id)]}


def _build_mood(simulation: CaseSimulation) -> dict[str, Any]:
    value = 3 + simulation.scenario.trend * simulation.rng.randrange(0, 3) - simulation.rng.randrange(2)
    return {
        "value": max(1, min(MOOD_SCALE, value)),
        "of": MOOD_SCALE,
        "words": simulation.choose_text("mood") if simulation.rng.random() < 0.4 else None,
    }


async def _write_clinical_note(simulation: CaseSimulation, session_id: UUID, day: date) -> None:
    async with simulation.run_as(
        simulation.worker, Permission.clinical_note_write, simulation.last_action_at.date()
    ) as (
        session,
        caller,
    ):
        note = ClinicalNoteUpdate(text=simulation.choose_text("clinical"))
        await clinical_notes.replace_clinical_note(session, caller, session_id, None, note)
    if simulation.rng.random() < 0.15:
        added_on = min(day + timedelta(days=2), simulation.scenario.last_day)
        async with simulation.run_as(simulation.worker, Permission.support_session_record, added_on) as (
            session,
            caller,
        ):
            addendum = SupportSessionAddendumCreate(text=simulation.choose_text("addendum"))
            await addenda.create_support_session_addendum(session, caller, session_id, addendum)


async def simulate_session_series(simulation: CaseSimulation, begin: date) -> None:
    """Plan a series of six sessions on Tuesdays at nine, and hold most of those in the past."""
    tuesdays = list(_list_tuesdays(begin, 6))
    async with simulation.run_as(simulation.worker, Permission.support_session_record, begin) as (
        session,
        caller,
    ):
        series = await session_series.create_case_support_session_series(
            session, caller, simulation.case_id, _build_series(tuesdays)
        )
        for planned, day in zip(series.items, tuesdays, strict=True):
            if day >= simulation.scenario.last_day:
                return
            with simulation.freeze_day(day + timedelta(days=1)):
                if simulation.rng.random() < 0.12:
                    cancellation = SupportSessionCancellation(reason=simulation.choose_text("missed"))
                    await support_sessions.cancel_support_session(
                        session, caller, planned.id, planned.version, cancellation
                    )
                    continue
                payload = {
                    "held_at": planned.planned_at,
                    "attendance": "attended",
                    "mood": _build_mood(simulation),
                    "summary": simulation.choose_text("sessions", "art"),
                    "next_step": simulation.choose_text("next_step"),
                }
                patch = SupportSessionUpdate.model_validate(payload)
                await support_sessions.update_support_session(
                    session, caller, planned.id, planned.version, patch
                )


async def simulate_planned_sessions(simulation: CaseSimulation) -> None:
    """Plan future sessions: a series of eight, or a single session."""
    async with simulation.run_as(
        simulation.worker, Permission.support_session_record, simulation.scenario.last_day
    ) as (
        session,
        caller,
    ):
        if simulation.scenario.number % 4 == 1:
            tuesdays = list(_list_tuesdays(simulation.scenario.today + timedelta(days=1), 8))
            await session_series.create_case_support_session_series(
                session, caller, simulation.case_id, _build_series(tuesdays)
            )
            return
        day = to_workday(simulation.scenario.today + timedelta(days=4 + simulation.rng.randrange(12)))
        kind = simulation.rng.choice(("therapy", "home_visit", "phone_call"))
        payload = {
            "kind": kind,
            "planned_at": _format_hour(day, 10 + simulation.scenario.number % 5),
            **_choose_areas_and_goals(simulation),
        }
        await support_sessions.create_case_support_session(
            session, caller, simulation.case_id, SupportSessionCreate.model_validate(payload)
        )


def _build_series(days: list[date]) -> SupportSessionSeriesCreate:
    payload = {
        "kind": "therapy",
        "form": "art",
        "place": PLACES_BY_KIND["therapy"],
        "areas": ["emotional_health"],
    }
    return SupportSessionSeriesCreate.model_validate(
        {**payload, "first_at": _format_hour(days[0], 9), "count": len(days)}
    )


def _list_tuesdays(begin: date, count: int) -> Iterator[date]:
    first = begin + timedelta(days=(1 - begin.weekday()) % 7)
    return (first + timedelta(weeks=week) for week in range(count))


def _format_hour(day: date, hour: int) -> str:
    return datetime.combine(day, time(hour), CAMBODIA_TIMEZONE).astimezone(UTC).isoformat()

"""Two years of history for the cases of the worker who asks: what a file, a timeline and an agenda have to cope with."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel import SQLModel

from app.models import Action, Assessment, CarePlan, CaseHistoryEntry, Goal, PlanArea, Review, SupportSession
from app.models.record import utc_now
from bench.caseload import SUMMARY_TEXT, InventedCase, Organisation

AREAS = (
    "emotional_health",
    "physical_health",
    "shelter_safety",
    "behaviour",
    "relationships",
    "education",
    "legal",
)
SESSION_COUNT = 96
"""Held, about one a week; each leaves its line in the timeline."""
REVIEW_COUNT = 7
RECORDING_DELAY = timedelta(hours=2)


async def fill_history(
    connection: asyncpg.Connection, organisation: Organisation, told: list[InventedCase]
) -> None:
    """Write it for the first worker's own cases, past row security, sealed as the product seals it."""
    mine = [story for story in told if story.worker == 0]
    for story in mine:
        await connection.execute(
            "UPDATE cases SET status = 'active', closed_on = NULL, opened_on = $2, next_review_on = $3 WHERE id = $1",
            story.case_id, _today() - timedelta(days=700), _today() + timedelta(days=story.number % 14 - 3),
        )  # fmt: skip
        for row in _build_history(story, organisation.worker_ids[0], organisation.supervisor_id):
            await _insert_row(connection, row)
    await connection.execute("VACUUM ANALYZE")


async def _insert_row(connection: asyncpg.Connection, row: SQLModel) -> None:
    values = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.model_dump().items()}
    names, places = (
        ", ".join(f'"{name}"' for name in values),
        ", ".join(f"${n + 1}" for n in range(len(values))),
    )
    await connection.execute(f"INSERT INTO {row.__tablename__} ({names}) VALUES ({places})", *values.values())  # noqa: S608 - our own names


def _today() -> date:
    return utc_now().date()


def _build_history(story: InventedCase, worker: UUID, supervisor: UUID) -> Iterator[SQLModel]:
    here: dict[str, Any] = {"case_id": story.case_id, "child_id": story.child_id}
    decided: dict[str, Any] = {
        "author_id": worker,
        "submitted_by_id": worker,
        "decided_by_id": supervisor,
        "decided_at": utc_now(),
    }
    assessment = Assessment(**here, **decided, subject="child", kind="initial", status="approved", risk_level="medium",
                            ratings=dict.fromkeys(AREAS, 2))  # fmt: skip
    yield _encrypt_record(
        assessment,
        {"sections": {}, "areas": {}, "child_wishes": None, "no_wishes_reason": None, "instruments": {}},
    )
    plan = CarePlan(
        **here, **decided, subject="child", assessment_id=assessment.id, status="approved", edition=1
    )
    yield _encrypt_record(plan, dict.fromkeys(("safety_plan", "child_view", "supporter_view"), SUMMARY_TEXT[:300])
                  | dict.fromkeys(("knowledge_gaps", "capacity_gaps")))  # fmt: skip
    yield from _build_areas(here, plan)
    yield from _build_sessions(here, worker)
    yield from _build_reviews(here, plan, worker, story)


def _build_areas(here: dict[str, Any], plan: CarePlan) -> Iterator[SQLModel]:
    words = {
        "need": SUMMARY_TEXT[:200],
        "strengths": SUMMARY_TEXT[:100],
        "risk": SUMMARY_TEXT[:100],
        "reason": None,
    }
    for area in AREAS:
        yield _encrypt_record(PlanArea(**here, plan_id=plan.id, area=area, rating=2, status="goals"), words)
        for _ in range(2):
            goal = _set_origin(Goal(**here, plan_id=plan.id, area=area))
            yield _encrypt_record(
                goal, {"statement": SUMMARY_TEXT[:120], "strengths_used": SUMMARY_TEXT[:80]}
            )
            for number in range(2):
                action = Action(**here, plan_id=plan.id, goal_id=goal.id, by="worker",
                                due_on=_today() + timedelta(days=90 * number), status="open" if number else "done")  # fmt: skip
                yield _encrypt_record(
                    _set_origin(action), {"what": SUMMARY_TEXT[:120], "by_whom": None, "note": None}
                )


def _set_origin(part: Any) -> Any:
    part.origin_id = part.id
    return part


def _build_sessions(here: dict[str, Any], worker: UUID) -> Iterator[SQLModel]:
    words = {"participants": ["the child"], "place": "Playroom", "mood": None, "summary": SUMMARY_TEXT, "next_step": SUMMARY_TEXT[:90],
             "missed_reason": None, "cancelled_reason": None}  # fmt: skip
    for number in range(SESSION_COUNT):
        at = datetime.now(UTC) - timedelta(days=7 * number + 2)
        held = SupportSession(**here, kind="therapy", form="play", status="held", held_at=at, recorded_at=at + RECORDING_DELAY,
                              attendance="attended", worker_id=worker, author_id=worker, created_at=at)  # fmt: skip
        yield _encrypt_record(held, words)
        line = CaseHistoryEntry(
            **here,
            at=at + RECORDING_DELAY,
            kind="session_held",
            by_id=worker,
            record_kind="support_session",
            record_id=held.id,
        )
        yield _encrypt_record(line, {"kind": "therapy"})
    soon = datetime.now(UTC) + timedelta(days=3)
    yield _encrypt_record(
        SupportSession(**here, kind="home_visit", planned_at=soon, worker_id=worker, author_id=worker), words
    )


def _build_reviews(
    here: dict[str, Any], plan: CarePlan, worker: UUID, story: InventedCase
) -> Iterator[SQLModel]:
    for number in range(1, REVIEW_COUNT + 1):
        on = _today() - timedelta(days=91 * (REVIEW_COUNT + 1 - number))
        review = Review(**here, plan_id=plan.id, number=number, status="completed", due_on=on, held_on=on, decision="continue",
                        ratings=dict.fromkeys(AREAS, 3), completed_at=datetime.combine(on, REVIEW_TIME, UTC),
                        completed_by_id=worker)  # fmt: skip
        yield _encrypt_record(review, {"areas": {}, "goals": {}, "summary": SUMMARY_TEXT[:300]})
    due = _today() + timedelta(days=story.number % 14 - 3)
    yield _encrypt_record(
        Review(**here, plan_id=plan.id, number=REVIEW_COUNT + 1, due_on=due),
        {"areas": {}, "goals": {}, "summary": None},
    )


REVIEW_TIME = datetime(2026, 1, 1, 4, tzinfo=UTC).time()


def _encrypt_record(record: Any, words: dict[str, Any]) -> Any:
    record.content = words
    return record

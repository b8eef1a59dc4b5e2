"""Generate two years of history for the cases of a worker, for measurements of timelines and the agenda."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlmodel import SQLModel

from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Action, Assessment, CarePlan, CaseHistoryEntry, Goal, PlanArea, Review, SupportSession
from app.models.record import utc_now
from bench.caseload import SUMMARY_TEXT

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
"""Number of sessions held per case, about one per week. Each one has a timeline entry."""
LAST_SESSION_AGE = timedelta(days=2)
REVIEW_COUNT = 7
RECORDING_DELAY = timedelta(hours=2)
REVIEW_TIME = datetime(2026, 1, 1, 4, tzinfo=UTC).time()


class CaseKeys(NamedTuple):
    """The number and the id of a case, and the id of its child."""

    number: int
    case_id: UUID
    child_id: UUID


async def fill_history(
    connection: asyncpg.Connection, cases: Iterable[CaseKeys], worker_id: UUID, supervisor_id: UUID
) -> None:
    """Insert the history of the cases of a worker, encrypted, as the administrator role."""
    for case in cases:
        await connection.execute(
            "UPDATE cases SET status = 'active', closed_on = NULL, opened_on = $2, next_review_on = $3,"
            " risk_level = 'medium', last_contact_on = $4 WHERE id = $1",
            case.case_id, _today() - timedelta(days=700), _today() + timedelta(days=case.number % 14 - 3),
            (datetime.now(UTC) - LAST_SESSION_AGE).astimezone(CAMBODIA_TIMEZONE).date(),
        )  # fmt: skip
        for row in _build_history(case, worker_id, supervisor_id):
            await _insert_row(connection, row)


async def _insert_row(connection: asyncpg.Connection, row: SQLModel) -> None:
    values = {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in row.model_dump().items()
    }
    columns = ", ".join(f'"{name}"' for name in values)
    parameters = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    statement = f"INSERT INTO {row.__tablename__} ({columns}) VALUES ({parameters})"  # noqa: S608 - names from the metadata
    await connection.execute(statement, *values.values())


def _today() -> date:
    return utc_now().date()


def _build_history(case: CaseKeys, worker_id: UUID, supervisor_id: UUID) -> Iterator[SQLModel]:
    case_keys: dict[str, Any] = {"case_id": case.case_id, "child_id": case.child_id}
    decision: dict[str, Any] = {
        "author_id": worker_id,
        "submitted_by_id": worker_id,
        "decided_by_id": supervisor_id,
        "decided_at": utc_now(),
    }
    assessment = Assessment(**case_keys, **decision, subject="child", kind="initial", status="approved", risk_level="medium",
                            ratings=dict.fromkeys(AREAS, 2))  # fmt: skip
    yield _with_content(
        assessment,
        {"sections": {}, "areas": {}, "child_wishes": None, "no_wishes_reason": None, "instruments": {}},
    )
    plan = CarePlan(
        **case_keys, **decision, subject="child", assessment_id=assessment.id, status="approved", edition=1
    )
    yield _with_content(plan, dict.fromkeys(("safety_plan", "child_view", "supporter_view"), SUMMARY_TEXT[:300])
                  | dict.fromkeys(("knowledge_gaps", "capacity_gaps")))  # fmt: skip
    yield from _build_areas(case_keys, plan)
    yield from _build_sessions(case_keys, worker_id)
    yield from _build_reviews(case_keys, plan, worker_id, case)


def _build_areas(case_keys: dict[str, Any], plan: CarePlan) -> Iterator[SQLModel]:
    content = {
        "need": SUMMARY_TEXT[:200],
        "strengths": SUMMARY_TEXT[:100],
        "risk": SUMMARY_TEXT[:100],
        "reason": None,
    }
    for area in AREAS:
        yield _with_content(
            PlanArea(**case_keys, plan_id=plan.id, area=area, rating=2, status="goals"), content
        )
        for _ in range(2):
            goal = _set_origin(Goal(**case_keys, plan_id=plan.id, area=area))
            yield _with_content(goal, {"statement": SUMMARY_TEXT[:120], "strengths_used": SUMMARY_TEXT[:80]})
            for number in range(2):
                action = Action(**case_keys, plan_id=plan.id, goal_id=goal.id, by="worker",
                                due_on=_today() + timedelta(days=90 * number), status="open" if number else "done")  # fmt: skip
                yield _with_content(
                    _set_origin(action), {"what": SUMMARY_TEXT[:120], "by_whom": None, "note": None}
                )


def _set_origin(record: Any) -> Any:
    record.origin_id = record.id
    return record


def _build_sessions(case_keys: dict[str, Any], worker_id: UUID) -> Iterator[SQLModel]:
    content = {"participants": ["the child"], "place": "Playroom", "mood": None, "summary": SUMMARY_TEXT, "next_step": SUMMARY_TEXT[:90],
             "missed_reason": None, "cancelled_reason": None}  # fmt: skip
    for number in range(SESSION_COUNT):
        at = datetime.now(UTC) - LAST_SESSION_AGE - timedelta(days=7 * number)
        support_session = SupportSession(**case_keys, kind="therapy", form="play", status="held", held_at=at, recorded_at=at + RECORDING_DELAY,
                              attendance="attended", worker_id=worker_id, author_id=worker_id, created_at=at)  # fmt: skip
        yield _with_content(support_session, content)
        history_entry = CaseHistoryEntry(
            **case_keys,
            at=at + RECORDING_DELAY,
            kind="session_held",
            by_id=worker_id,
            record_kind="support_session",
            record_id=support_session.id,
        )
        history_entry.detail = {"kind": "therapy"}
        yield history_entry
    planned_at = datetime.now(UTC) + timedelta(days=3)
    yield _with_content(
        SupportSession(
            **case_keys, kind="home_visit", planned_at=planned_at, worker_id=worker_id, author_id=worker_id
        ),
        content,
    )


def _build_reviews(
    case_keys: dict[str, Any], plan: CarePlan, worker_id: UUID, case: CaseKeys
) -> Iterator[SQLModel]:
    for number in range(1, REVIEW_COUNT + 1):
        on = _today() - timedelta(days=91 * (REVIEW_COUNT + 1 - number))
        review = Review(**case_keys, plan_id=plan.id, number=number, status="completed", due_on=on, held_on=on, decision="continue",
                        ratings=dict.fromkeys(AREAS, 3), completed_at=datetime.combine(on, REVIEW_TIME, UTC),
                        completed_by_id=worker_id)  # fmt: skip
        yield _with_content(review, {"areas": {}, "goals": {}, "summary": SUMMARY_TEXT[:300]})
    due = _today() + timedelta(days=case.number % 14 - 3)
    yield _with_content(
        Review(**case_keys, plan_id=plan.id, number=REVIEW_COUNT + 1, due_on=due),
        {"areas": {}, "goals": {}, "summary": None},
    )


def _with_content(record: Any, content: dict[str, Any]) -> Any:
    record.content = content
    return record

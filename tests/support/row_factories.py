"""Rows as they are, for tests of what reads them: the acts that write them are tested where they belong."""

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import SQLModel

from app.kit.dates import CAMBODIA_TIMEZONE, add_months, today
from app.models import (
    Action,
    Assessment,
    CarePlan,
    Case,
    Child,
    FollowUp,
    Goal,
    LegalStep,
    Provider,
    Review,
    ServiceReferral,
    SupportSession,
)
from app.models.record import CaseRecord, new_id, utc_now
from tests.support.scenario import id_of

R = TypeVar("R", bound=SQLModel)

WORKER_ID, CO_WORKER_ID, SUPERVISOR_ID = (
    id_of(n) for n in ("worker_north", "worker_north_2", "supervisor_north")
)


async def insert_row(superuser: Any, record: R) -> R:
    """Write a row, past row security."""
    row = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in record.model_dump().items()}
    names, places = ", ".join(f'"{name}"' for name in row), ", ".join(f"${n + 1}" for n in range(len(row)))
    await superuser.execute(f"INSERT INTO {record.__tablename__} ({names}) VALUES ({places})", *row.values())  # noqa: S608
    return record


async def insert_care_plan(
    superuser: Any, case: dict[str, Any], status: str = "approved", **changes: Any
) -> CarePlan:
    decided: dict[str, Any] = {
        "submitted_at": utc_now(),
        "submitted_by_id": WORKER_ID,
        "decided_at": utc_now(),
    }
    told: dict[str, Any] = {
        "subject": "child",
        "author_id": WORKER_ID,
        "status": status,
        **decided,
        **changes,
        **case_foreign_keys(case),
    }
    assessment = await insert_row(superuser, Assessment(**{**told, "status": "approved", "kind": "initial"}))
    return await insert_row(superuser, CarePlan(**told, assessment_id=assessment.id))


async def insert_goal(superuser: Any, plan: CarePlan) -> Goal:
    here: dict[str, Any] = plan.model_dump(include={"case_id", "child_id"})
    return await insert_row(superuser, Goal(**here, plan_id=plan.id, area="education", origin_id=new_id()))


def case_foreign_keys(case: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": uuid.UUID(case["id"]), "child_id": uuid.UUID(case["child_id"])}


def local_datetime(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=CAMBODIA_TIMEZONE)


def date_in_days(n: int) -> date:
    return today() + timedelta(days=n)


async def backdate_case_opening(superuser: Any, case: dict[str, Any], months: int, **changes: Any) -> None:
    values = {
        "opened_on": add_months(today(), -months),
        "extended_until": None,
        "status": "planning",
        **changes,
    }
    for name, value in values.items():
        await superuser.execute(f"UPDATE cases SET {name} = $1 WHERE id = $2", value, uuid.UUID(case["id"]))  # noqa: S608


async def insert_due_records(superuser: Any, case: dict[str, Any], worker: uuid.UUID = WORKER_ID) -> None:
    """Something of every kind that a worker does, due on another day each."""
    here, plan = case_foreign_keys(case), await insert_care_plan(superuser, case)
    goal = await insert_goal(superuser, plan)
    step: dict[str, Any] = {"plan_id": plan.id, "goal_id": goal.id, "due_on": date_in_days(2)}
    provider = await insert_row(superuser, Provider(name="Clinic", kind="health"))
    sent: dict[str, Any] = {
        "provider_id": provider.id,
        "service": "medical",
        "author_id": worker,
        "status": "sent",
    }
    rows: list[CaseRecord] = [
        Review(**here, plan_id=plan.id, number=1, due_on=date_in_days(-3)),
        SupportSession(
            **here,
            kind="home_visit",
            planned_at=local_datetime(date_in_days(1)),
            worker_id=worker,
            author_id=worker,
        ),
        Action(**here, **step, origin_id=new_id(), by="worker"),
        FollowUp(**here, months=3, due_on=date_in_days(4)),
        LegalStep(**here, kind="court_hearing", status="planned", on=date_in_days(5), author_id=worker),
        ServiceReferral(**here, **sent, sent_at=local_datetime(date_in_days(-14))),
        # none of the actor's to do
        Action(**here, **step, origin_id=new_id(), by="supporter"),
        Action(**here, **step, origin_id=new_id(), by="worker", status="done"),
        ServiceReferral(**here, **sent, sent_at=local_datetime(date_in_days(-13))),
        FollowUp(**here, months=6, due_on=date_in_days(15)),
    ]
    for row in rows:
        await insert_row(superuser, row)


async def insert_case_copies(superuser: Any, model: dict[str, Any], n: int) -> None:
    """Copy a case with its child, plan and review, as rows."""
    identity: Any = {"names": model["child"]["names"], "birth": {"date": "2015-05-04", "precision": "day"}}
    for _ in range(n):
        child = Child(sex="male")
        child.identity = identity
        await insert_row(superuser, child)
        case = Case(
            number=f"X-{child.id}", child_id=child.id, kind="survivor", team_id=id_of("north"), lead_worker_id=WORKER_ID,
            opened_on=today(), age_at_referral_min=9, age_at_referral_max=9,
        )  # fmt: skip
        await insert_row(superuser, case)
        here = {"id": str(case.id), "child_id": str(child.id)}
        plan = await insert_care_plan(superuser, here)
        await insert_row(
            superuser, Review(**case_foreign_keys(here), plan_id=plan.id, number=1, due_on=date_in_days(3))
        )

"""Insert rows directly, for tests of code that reads them. The acts that write such rows have tests of their own."""

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import JSON
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
    id_of(name) for name in ("worker_north", "worker_north_2", "supervisor_north")
)
CONTENTS: dict[type, dict[str, Any]] = {
    Action: {"what": "Talk to the teacher", "by_whom": None, "note": None},
    Goal: {"statement": "Goes to school every day", "strengths_used": None},
    SupportSession: {"place": "At the grandmother's house"},
    LegalStep: {"place": "Provincial court"},
}
"""Default content by table, for rows that appear in lists with records of several kinds."""


async def insert_row(superuser: Any, record: R) -> R:
    """Insert a record on a superuser connection, which row-level security does not restrict."""
    if isinstance(record, Action | Goal | SupportSession | LegalStep) and not record.content_encrypted:
        record.content = cast("Any", CONTENTS[type(record)])
    table = SQLModel.metadata.tables[str(record.__tablename__)]
    values = {
        name: json.dumps(value) if isinstance(table.c[name].type, JSON) else value
        for name, value in record.model_dump().items()
    }
    columns = ", ".join(f'"{name}"' for name in values)
    parameters = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    statement = f"INSERT INTO {record.__tablename__} ({columns}) VALUES ({parameters})"  # noqa: S608
    await superuser.execute(statement, *values.values())
    return record


async def insert_care_plan(
    superuser: Any, case: dict[str, Any], status: str = "approved", **changes: Any
) -> CarePlan:
    values: dict[str, Any] = {
        "subject": "child",
        "author_id": WORKER_ID,
        "status": status,
        "submitted_at": utc_now(),
        "submitted_by_id": WORKER_ID,
        "decided_at": utc_now(),
        **changes,
        **case_foreign_keys(case),
    }
    assessment = await insert_row(
        superuser, Assessment(**{**values, "status": "approved", "kind": "initial"})
    )
    return await insert_row(superuser, CarePlan(**values, assessment_id=assessment.id))


async def insert_goal(superuser: Any, plan: CarePlan) -> Goal:
    foreign_keys: dict[str, Any] = plan.model_dump(include={"case_id", "child_id"})
    goal = Goal(**foreign_keys, plan_id=plan.id, area="education", origin_id=new_id())
    return await insert_row(superuser, goal)


def case_foreign_keys(case: dict[str, Any]) -> dict[str, Any]:
    return {"case_id": uuid.UUID(case["id"]), "child_id": uuid.UUID(case["child_id"])}


def local_datetime(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=CAMBODIA_TIMEZONE)


def date_in_days(days: int) -> date:
    return today() + timedelta(days=days)


async def backdate_case_opening(superuser: Any, case: dict[str, Any], months: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "opened_on": add_months(today(), -months), "extended_until": None, "last_contact_on": today(), **changes
    }  # fmt: skip
    values["status"] = values.pop("status", "planning")  # an active case must have a next review
    # A contact on the day of the referral would count only with its time.
    await superuser.execute(
        "UPDATE referrals SET received_at = $1 WHERE case_id = $2",
        local_datetime(add_months(date_in_days(-1), -months)), uuid.UUID(case["id"]),
    )  # fmt: skip
    for name, value in values.items():
        await superuser.execute(f"UPDATE cases SET {name} = $1 WHERE id = $2", value, uuid.UUID(case["id"]))  # noqa: S608


async def settle_case(superuser: Any, case: dict[str, Any], **changes: Any) -> None:
    """Make a case active, with a contact today, so that the agenda has no entries about a new case."""
    values = {"next_review_on": date_in_days(90), "last_contact_on": today(), "status": "active", **changes}
    await backdate_case_opening(superuser, case, 0, **values)


async def insert_due_records(superuser: Any, case: dict[str, Any], worker: uuid.UUID = WORKER_ID) -> None:
    """Insert one record of every kind that is due for a worker, each on another day, and records that are not due."""
    await settle_case(superuser, case, next_review_on=date_in_days(-3))
    case_keys, plan = case_foreign_keys(case), await insert_care_plan(superuser, case)
    goal = await insert_goal(superuser, plan)
    action: dict[str, Any] = {"plan_id": plan.id, "goal_id": goal.id, "due_on": date_in_days(2)}
    provider = await insert_row(superuser, Provider(name="Clinic", kind="health"))
    referral: dict[str, Any] = {
        "provider_id": provider.id,
        "service": "medical",
        "author_id": worker,
        "status": "sent",
    }
    rows: list[CaseRecord] = [
        Review(**case_keys, plan_id=plan.id, number=1, due_on=date_in_days(-3)),
        SupportSession(
            **case_keys,
            kind="home_visit",
            planned_at=local_datetime(date_in_days(1)),
            worker_id=worker,
            author_id=worker,
        ),
        Action(**case_keys, **action, origin_id=new_id(), by="worker"),
        FollowUp(**case_keys, months=3, due_on=date_in_days(4)),
        LegalStep(**case_keys, kind="court_hearing", status="planned", on=date_in_days(5), author_id=worker),
        ServiceReferral(**case_keys, **referral, sent_at=local_datetime(date_in_days(-14))),
        # not due for the worker
        Action(**case_keys, **action, origin_id=new_id(), by="worker", status="done"),
        ServiceReferral(**case_keys, **{**referral, "status": "declined"}, sent_at=local_datetime(today())),
        FollowUp(**case_keys, months=6, due_on=date_in_days(15)),
    ]
    for row in rows:
        await insert_row(superuser, row)


async def insert_case_copies(superuser: Any, original: dict[str, Any], count: int) -> list[Case]:
    """Insert copies of a case with its child, care plan and a review that is due. Return the copies."""
    cases = []
    identity: Any = {"names": original["child"]["names"], "birth": {"date": "2015-05-04", "precision": "day"}}
    for _ in range(count):
        child = Child(sex="male")
        child.identity = identity
        await insert_row(superuser, child)
        case = Case(
            number=f"X-{child.id}", child_id=child.id, kind="survivor", team_id=id_of("north"), lead_worker_id=WORKER_ID,
            opened_on=today(), age_at_referral_min=9, age_at_referral_max=9,
        )  # fmt: skip
        cases.append(await insert_row(superuser, case))
        ids = {"id": str(case.id), "child_id": str(child.id)}
        plan = await insert_care_plan(superuser, ids)
        await insert_row(
            superuser, Review(**case_foreign_keys(ids), plan_id=plan.id, number=1, due_on=date_in_days(3))
        )
    return cases

"""Get and update cases."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, session_reader
from app.kit.dates import BirthRange, today
from app.kit.records import apply_patch, get_version_for_update
from app.kit.reference_names import person_name, place_names, team_name, to_place_ref, to_ref
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseWorker, Child, User
from app.models.contents import StoredChildIdentity
from app.models.record import utc_now
from app.schemas.cases import (
    Case as CaseSchema,
)
from app.schemas.cases import (
    CaseChild,
    CaseContent,
    CaseUpdate,
)
from app.schemas.identity import Age
from app.services.cases import history as case_history
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = [name for name in CaseSchema.model_fields if name in Case.model_fields]
CO_WORKERS = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_object("id", col(User.id), "name", col(User.name)),
                col(User.name),
                col(User.id),
            ),
            type_=JSON,
        )
    )
    .join(CaseWorker, col(CaseWorker.user_id) == col(User.id))
    .where(col(CaseWorker.case_id) == col(Case.id))
    .scalar_subquery()
)
"""The references to the co-workers of a case, or NULL if there are none."""
CASE_QUERY = ReadQuery(
    select(
        *(getattr(Case, name) for name in COLUMN_FIELDS),
        person_name(col(Case.lead_worker_id)).label("lead_worker_name"),
        team_name(col(Case.team_id)).label("team_name"),
        place_names(col(Case.province_code)).label("province_names"),
        CO_WORKERS.label("co_workers"),
        col(Case.content_encrypted),
        col(Child.sex),
        col(Child.identity_encrypted),
    )
    .join(Child, col(Child.id) == col(Case.child_id))
    .where(col(Case.id) == bindparam("case_id")),
    shows=ShownRecord("case", case_id="id"),
)


async def get_case(reader: RecordReader, case_id: UUID) -> CaseSchema:
    """Return a case with its child.

    Raises:
        NotFound: The case does not exist or the caller cannot see it.
    """
    return _row_to_schema(await reader.fetch_required(CASE_QUERY, case_id=case_id))


async def update_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseUpdate
) -> CaseSchema:
    """Update the editable fields of a case.

    Raises:
        GateRefused: The case is closed, or the caller is not staff of the case.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet(await check_case_writable(session, case))
    content = apply_patch(CaseContent, {"kind": case.kind, **case.content}, payload)
    case.kind = content.kind
    case.updated_at = utc_now()
    case.content = {"summary": content.summary}
    case_history.record_case_history(session, case, "case_changed", caller, case)
    await session.flush()  # the query of the response bypasses the session
    return await load_case_schema(session, case)


async def load_case_schema(session: AsyncSession, case: Case) -> CaseSchema:
    """Return the response for a case that the current request has changed or created."""
    return await get_case(session_reader(session), case.id)


def _row_to_schema(row: Any) -> CaseSchema:
    content = Case.content.decrypt(row.id, row.content_encrypted)
    co_workers = row.co_workers or []
    return CaseSchema(
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        child=build_case_child(row, today()),
        lead_worker=to_ref(row.lead_worker_id, row.lead_worker_name),
        team=to_ref(row.team_id, row.team_name),
        province=to_place_ref(row.province_code, row.province_names),
        co_workers=co_workers,
        co_worker_ids=[co_worker["id"] for co_worker in co_workers],
        summary=content["summary"],
        outcome=content.get("outcome"),
    )


def to_case_child(child: Child) -> CaseChild:
    """Return the fields of a child that a case response contains."""
    return CaseChild(**_case_child_fields(child.id, child.sex, child.identity, today()))


def build_case_child(row: Any, day: date) -> dict[str, object]:
    """Return the same for a row with the columns child_id, sex and identity_encrypted."""
    identity = Child.identity.decrypt(row.child_id, row.identity_encrypted)
    return _case_child_fields(row.child_id, row.sex, identity, day)


def _case_child_fields(
    child_id: UUID | str, sex: str, identity: StoredChildIdentity, day: date
) -> dict[str, object]:
    youngest, oldest = BirthRange.from_details(identity["birth"]).age_range_on(day)
    return {
        "id": child_id,
        "names": identity["names"],
        "nickname": identity.get("nickname"),
        "sex": sex,
        "age": {"min": youngest, "max": oldest, "on": day},
    }


def get_age_today(identity: StoredChildIdentity) -> Age:
    """Return the age of a person today, as a range of whole years."""
    day = today()
    youngest, oldest = BirthRange.from_details(identity["birth"]).age_range_on(day)
    return Age(min=youngest, max=oldest, on=day)

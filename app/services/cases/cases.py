"""Get and update cases."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.kit.dates import get_age_range, today
from app.kit.grant_codes import validate_grant_code
from app.kit.record_changes import record_field_changes
from app.kit.records import apply_patch, get_version_for_update
from app.kit.reference_names import person_name, place_names, team_name, to_place_ref, to_ref
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseWorker, Child, DonorGrant, User
from app.models.contents import StoredBirth, StoredChildIdentity
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
from app.services.cases.staffing_checks import check_supervises_case
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
GRANT = (
    select(
        func.json_build_object(
            *(part for name in ("code", "name", "donor") for part in (name, getattr(DonorGrant, name))),
            type_=JSON,
        )
    )
    .where(col(DonorGrant.code) == col(Case.grant_code))
    .scalar_subquery()
)
"""The reference to the grant of a case, or NULL if there is none."""
CASE_QUERY = ReadQuery(
    select(
        *(getattr(Case, name) for name in COLUMN_FIELDS),
        person_name(col(Case.lead_worker_id)).label("lead_worker_name"),
        team_name(col(Case.team_id)).label("team_name"),
        place_names(col(Case.province_code)).label("province_names"),
        CO_WORKERS.label("co_workers"),
        GRANT.label("grant"),
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
        GateRefused: The case is closed, the caller is not staff of the case, or a worker changes the grant.
        InvalidInput: There is no active grant with the code.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet(await check_case_writable(session, case))
    before = {"kind": case.kind, "grant_code": case.grant_code, **case.content}
    content = apply_patch(CaseContent, before, payload)
    if content.grant_code != case.grant_code:
        raise_if_unmet(check_supervises_case(caller, case))
    await validate_grant_code(session, content.grant_code, case.grant_code)
    case.kind, case.grant_code = content.kind, content.grant_code
    case.updated_at = utc_now()
    case.content = {"summary": content.summary}
    after = {"kind": case.kind, "grant_code": case.grant_code, **case.content}
    record_field_changes(session, caller, case, before, after)
    case_history.record_case_history(session, case, "case_changed", caller, case)
    return await load_case_schema(session, case)


async def load_case_schema(session: AsyncSession, case: Case) -> CaseSchema:
    """Return the response for a case that the current request has changed or created."""
    return await get_case(await open_response_reader(session), case.id)


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
        grant=row.grant,
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
    return {
        "id": child_id,
        "names": identity["names"],
        "nickname": identity.get("nickname"),
        "sex": sex,
        "age": _build_age_fields(identity["birth"], day),
    }


def build_age(birth: StoredBirth | None, day: date) -> Age | None:
    """Return the age of a person on a day, as a range of whole years, or None if the birth date is unknown."""
    fields = _build_age_fields(birth, day)
    return None if fields is None else Age.model_validate(fields)


def _build_age_fields(birth: StoredBirth | None, day: date) -> dict[str, object] | None:
    ages = get_age_range(birth, day)
    return None if ages is None else {"min": ages[0], "max": ages[1], "on": day}

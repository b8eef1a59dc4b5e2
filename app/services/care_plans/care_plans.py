"""List, get and update care plans, and set the status of their areas."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord, open_response_reader
from app.kit.approval import check_editable
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import apply_patch, ensure_visible, get_case_for_update, get_version_for_update
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import CarePlan, Case
from app.models.care_plans import StoredCarePlanTexts
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import (
    CarePlanAreaUpdate,
    CarePlanContent,
    CarePlanFilters,
    CarePlanList,
    CarePlanSummary,
    CarePlanUpdate,
)
from app.services.care_plans.editions import set_source_assessment
from app.services.care_plans.load import load_care_plan
from app.services.care_plans.responses import STAFF_FIELDS, get_care_plan
from app.services.care_plans.submission_checks import check_no_need
from app.services.cases.people import select_person, to_person_ref
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = {"assessment_id", "needs_social_work"}
SUMMARY_FIELDS = [name for name in CarePlanSummary.model_fields if name in CarePlan.model_fields]
CASE_CARE_PLANS = ListQuery(
    "care_plans",
    CarePlan,
    select(
        *(getattr(CarePlan, name) for name in SUMMARY_FIELDS),
        *staff_names(CarePlan, *STAFF_FIELDS),
        select_person(col(CarePlan.person_id)),
        col(CarePlan.decision_comment_encrypted),
    ),
    filters={
        "case_id": col(CarePlan.case_id) == bindparam("case_id"),
        "subject": col(CarePlan.subject) == bindparam("subject"),
        "status": is_one_of(col(CarePlan.status), "status"),
    },
    sorts={"created_at": col(CarePlan.created_at)},
    shows=ShownRecord("care_plan"),
)


async def list_case_care_plans(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: CarePlanFilters
) -> CarePlanList:
    """Return all editions of the care plans of a case, newest first.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_CARE_PLANS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return CarePlanList.from_trusted_items([_row_to_summary(row) for row in page.rows], **page.fields)


def _row_to_summary(row: Any) -> dict[str, object]:
    return {
        **dict(zip(SUMMARY_FIELDS, row, strict=False)),
        **to_staff_refs(row, *STAFF_FIELDS),
        "person": to_person_ref(row),
        "decision_comment": CarePlan.decision_comment.decrypt(row.id, row.decision_comment_encrypted),
    }


async def update_care_plan(
    session: AsyncSession, plan_id: UUID, expected_version: int, patch: CarePlanUpdate
) -> CarePlanSchema:
    """Update the texts of a draft, or base it on another assessment.

    Raises:
        InvalidInput: a field is invalid, or the assessment does not exist.
        GateRefused: the plan is frozen, the case is closed, the caller is not staff of the case, or the assessment is
            not the newest approved one of the plan's subject.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan)])
    document = {**plan.content, **plan.model_dump(mode="json", include=COLUMN_FIELDS)}
    content = apply_patch(CarePlanContent, document, patch)
    if content.assessment_id != plan.assessment_id:
        await set_source_assessment(session, plan, content.assessment_id)
    plan.needs_social_work = content.needs_social_work
    plan.content = dump_content(StoredCarePlanTexts, content)
    plan.updated_at = utc_now()
    return await get_care_plan(await open_response_reader(session), plan_id)


async def replace_care_plan_area(
    session: AsyncSession, plan_id: UUID, area: str, expected_version: int, payload: CarePlanAreaUpdate
) -> CarePlanSchema:
    """Set the status of an area: `goals`, or `no_need` with a reason. `expected_version` is the version of the plan.

    Raises:
        GateRefused: the plan is frozen, or the status is `no_need` although the area is weak or has open goals.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    loaded_plan = await load_care_plan(session, plan)
    plan_area = loaded_plan.areas[area]
    unmet = [*await check_case_writable(session, case), *check_editable(plan)]
    if payload.status == "no_need":
        unmet += check_no_need(plan_area, loaded_plan.goals[area])
    raise_if_unmet(unmet)
    plan_area.status, plan_area.version = payload.status, plan_area.version + 1
    plan_area.content = {**plan_area.content, "reason": payload.reason}
    plan.updated_at = utc_now()
    return await get_care_plan(await open_response_reader(session), plan_id)

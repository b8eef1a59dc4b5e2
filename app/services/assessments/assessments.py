"""Create, list, read and update assessments."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.approval import check_editable
from app.kit.entered_in_error import is_valid
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import (
    apply_patch,
    ensure_exists,
    ensure_visible,
    get_case_for_share,
    get_for_update,
    get_version_for_update,
)
from app.kit.reference_names import staff_names, to_ref
from app.kit.state_machine import raise_if_unmet
from app.models import Assessment, Case, Person
from app.models.record import new_id, utc_now
from app.schemas.assessments import Assessment as AssessmentSchema
from app.schemas.assessments import (
    AssessmentContent,
    AssessmentCreate,
    AssessmentFilters,
    AssessmentList,
    AssessmentSummary,
    AssessmentUpdate,
)
from app.schemas.codes import get_codes
from app.services.assessments.approve import record_assessment_history
from app.services.assessments.instruments import score_instruments
from app.services.assessments.load import (
    get_assessment,
    load_assessment_document,
    store_assessment_content,
)
from app.services.cases.people import select_person, to_person_ref
from app.services.cases.write_access import check_case_writable

SUMMARY_FIELDS = [name for name in AssessmentSummary.model_fields if name in Assessment.model_fields]
CASE_ASSESSMENTS = ListQuery(
    "assessments",
    Assessment,
    select(
        *(getattr(Assessment, name) for name in SUMMARY_FIELDS),
        *staff_names(Assessment, "author"),
        select_person(col(Assessment.person_id)),
    ),
    filters={
        "case_id": col(Assessment.case_id) == bindparam("case_id"),
        "subject": col(Assessment.subject) == bindparam("subject"),
        "person_id": col(Assessment.person_id) == bindparam("person_id"),
        "status": is_one_of(col(Assessment.status), "status"),
    },
    sorts={"created_at": col(Assessment.created_at)},
    shows=ShownRecord("assessment"),
)


async def create_case_assessment(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: AssessmentCreate
) -> AssessmentSchema:
    """Create a draft assessment. A reassessment refers to the previous approved assessment of the same subject.

    Raises:
        InvalidInput: `person_id` is missing, is not a person of the case, or has an unsuitable role.
        GateRefused: the case is closed, another assessment of the subject is in progress, or the kind does not fit.
    """
    await _validate_person(session, case_id, payload)
    case = await get_for_update(session, Case, case_id)  # serializes concurrent creation of drafts
    earlier = await _list_earlier_assessments(session, case_id, payload)
    approved = [assessment_id for assessment_id, status in earlier if status == "approved"]
    raise_if_unmet(
        [
            *await check_case_writable(session, case),
            *_check_none_in_progress(earlier),
            *_check_kind(payload, approved),
        ]
    )
    assessment = Assessment(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        author_id=caller.id,
        previous_id=approved[0] if approved else None,
        **payload.model_dump(include={"subject", "person_id", "kind"}),
    )
    store_assessment_content(assessment, AssessmentContent(), {})
    session.add(assessment)
    record_assessment_history(session, case, caller, assessment, "started")
    return await get_assessment(await open_response_reader(session), assessment.id)


async def _validate_person(session: AsyncSession, case_id: UUID, payload: AssessmentCreate) -> None:
    await ensure_exists(session, Case, case_id)
    if payload.subject == "child":
        if payload.person_id is not None:
            detail = "`person_id` is not allowed for the subject child."
            raise InvalidInput([Fault("/person_id", "not_asked", detail)])
        return
    if payload.person_id is None:
        raise InvalidInput(
            [Fault("/person_id", "missing", "Required for the subjects supporter and family.")]
        )
    has_suitable_role = (col(Person.role) == payload.subject) | col(Person.is_responsible)
    query = select(has_suitable_role).where(
        col(Person.id) == payload.person_id, col(Person.case_id) == case_id, is_valid(Person)
    )
    is_suitable = await session.scalar(query)
    if is_suitable is None:
        raise InvalidInput([Fault("/person_id", "person_unknown", "There is no such person in this case.")])
    if not is_suitable:
        detail = "The person must have the role of the subject, or be responsible for the child."
        raise InvalidInput([Fault("/person_id", "role_unfit", detail)])


async def _list_earlier_assessments(
    session: AsyncSession, case_id: UUID, payload: AssessmentCreate
) -> list[tuple[UUID, str]]:
    """Return the id and status of each earlier assessment of the subject, newest decision first."""
    query = select(col(Assessment.id), col(Assessment.status)).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == payload.subject,
        col(Assessment.person_id) == payload.person_id,
    )
    rows = await session.execute(query.order_by(col(Assessment.decided_at).desc()))
    return [(assessment_id, status) for assessment_id, status in rows]


def _check_none_in_progress(earlier: list[tuple[UUID, str]]) -> list[Fault]:
    if all(status == "approved" for _, status in earlier):
        return []
    detail = "Another assessment of this subject is in progress. It must be approved first."
    return [Fault("/subject", "under_way", detail)]


def _check_kind(payload: AssessmentCreate, approved: list[UUID]) -> list[Fault]:
    if approved and payload.kind == "initial":
        return [
            Fault(
                "/kind",
                "assessed_before",
                "The kind must be `reassessment`, because the subject has an approved assessment.",
            )
        ]
    if not approved and payload.kind == "reassessment":
        return [
            Fault(
                "/kind",
                "not_assessed_before",
                "The kind must be `initial`, because the subject has no approved assessment.",
            )
        ]
    return []


async def list_case_assessments(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: AssessmentFilters
) -> AssessmentList:
    """Return the assessments of a case, newest first.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_ASSESSMENTS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return AssessmentList.from_trusted_items([_row_to_summary(row) for row in page.rows], **page.fields)


def _row_to_summary(row: Any) -> dict[str, object]:
    return {
        **dict(zip(SUMMARY_FIELDS, row, strict=False)),
        "author": to_ref(row.author_id, row.author_name),
        "person": to_person_ref(row),
        "ratings": {area: row.ratings.get(area) for area in get_codes("area")},
    }


async def update_assessment(
    session: AsyncSession, assessment_id: UUID, expected_version: int, patch: AssessmentUpdate
) -> AssessmentSchema:
    """Update fields of a draft. Fields that the patch omits keep their value.

    Raises:
        GateRefused: the assessment is frozen, or the case is closed.
        InvalidInput: a field is invalid, or an answer is not an option of the questionnaire.
    """
    case = await get_case_for_share(session, Assessment, assessment_id)
    assessment = await get_version_for_update(session, Assessment, assessment_id, expected_version)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(assessment)])
    content = apply_patch(AssessmentContent, load_assessment_document(assessment), patch)
    results = await score_instruments(session, assessment.content["instruments"], content.instruments)
    store_assessment_content(assessment, content, results)
    assessment.updated_at = utc_now()
    return await get_assessment(await open_response_reader(session), assessment.id)

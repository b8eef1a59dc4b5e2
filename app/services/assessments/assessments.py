"""Create, edit, submit, approve and return assessments. The comparison of two assessments is in `diff`."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit import approval
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_case_for_update,
    get_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import Assessment, Case, Person
from app.models.assessments import (
    StoredAreaAssessment,
    StoredInstrumentResult,
    StoredSections,
)
from app.models.encrypted_field import dump_content
from app.models.record import new_id, utc_now
from app.schemas.assessments import Assessment as AssessmentSchema
from app.schemas.assessments import (
    AssessmentAreas,
    AssessmentContent,
    AssessmentCreate,
    AssessmentFilters,
    AssessmentList,
    AssessmentSummary,
    AssessmentUpdate,
)
from app.services.assessments.instruments import score_instruments
from app.services.assessments.states import APPROVE, RETURN, SUBMIT, check_assessment_content
from app.services.cases.history import record_case_history
from app.services.cases.states import START_PLANNING, check_case_open
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = set(AssessmentSchema.model_fields) - {"decision_comment", *AssessmentContent.model_fields}
SUMMARY_FIELDS = set(AssessmentSummary.model_fields) - {"ratings"}
AREAS = tuple(AssessmentAreas.model_fields)


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
    _store_content(assessment, AssessmentContent(), {})
    session.add(assessment)
    _record_history(session, case, caller, assessment, "started")
    await session.flush()  # raises a unique violation before the response is built
    return assessment_to_schema(assessment)


async def _validate_person(session: AsyncSession, case_id: UUID, payload: AssessmentCreate) -> None:
    await ensure_exists(session, Case, case_id)
    if payload.subject == "child":
        if payload.person_id is not None:
            detail = "Omit person_id for the subject child: the case identifies the child."
            raise InvalidInput([Fault("/person_id", "not_asked", detail)])
        return
    if payload.person_id is None:
        raise InvalidInput(
            [Fault("/person_id", "missing", "Required for the subjects supporter and family.")]
        )
    has_suitable_role = (col(Person.role) == payload.subject) | col(Person.is_responsible)
    query = select(has_suitable_role).where(
        col(Person.id) == payload.person_id, col(Person.case_id) == case_id
    )
    is_suitable = await session.scalar(query)
    if is_suitable is None:
        raise InvalidInput([Fault("/person_id", "person_unknown", "There is no such person in this case.")])
    if not is_suitable:
        detail = "The person must have the role of the subject or be responsible for the child."
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
    detail = "Another assessment of this subject is in progress: complete that assessment first."
    return [Fault("/subject", "under_way", detail)]


def _check_kind(payload: AssessmentCreate, approved: list[UUID]) -> list[Fault]:
    if approved and payload.kind == "initial":
        return [
            Fault(
                "/kind",
                "assessed_before",
                "The subject has an approved assessment: the kind must be reassessment.",
            )
        ]
    if not approved and payload.kind == "reassessment":
        return [
            Fault(
                "/kind",
                "not_assessed_before",
                "The subject has no approved assessment: the kind must be initial.",
            )
        ]
    return []


async def list_case_assessments(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: AssessmentFilters
) -> AssessmentList:
    """Return the assessments of a case, newest first."""
    await ensure_exists(session, Case, case_id)
    column_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator(
        "assessments", filters.limit, filters.cursor, {**column_filters, "case": case_id, "for": caller.id}
    )
    query = select(Assessment).where(col(Assessment.case_id) == case_id).filter_by(**column_filters)
    rows, cursor = await paginator.fetch_records(
        session, query, col(Assessment.created_at), col(Assessment.id)
    )
    return AssessmentList(items=[_to_summary(row) for row in rows], next_cursor=cursor)


async def get_assessment(session: AsyncSession, assessment_id: UUID) -> AssessmentSchema:
    """Return one assessment."""
    return assessment_to_schema(await get_record(session, Assessment, assessment_id))


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
    raise_if_unmet([*await check_case_writable(session, case), *approval.check_editable(assessment)])
    stored = assessment.content
    document = {
        **stored,
        "areas": _merge_area_ratings(assessment, stored["areas"]),
        "risk_level": assessment.risk_level,
        "instruments": {code: result["answers"] for code, result in stored["instruments"].items()},
    }
    content = apply_patch(AssessmentContent, document, patch)
    results = await score_instruments(session, stored["instruments"], content.instruments)
    _store_content(assessment, content, results)
    assessment.updated_at = utc_now()
    await session.flush()  # the response contains the stored values
    return assessment_to_schema(assessment)


async def submit_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int
) -> AssessmentSchema:
    """Submit an assessment for approval. It is frozen from then on.

    Raises:
        GateRefused: the status does not allow it, or content is missing. The error lists every missing part.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    unmet = [
        *await check_case_writable(session, case),
        *check_assessment_content(assessment_to_schema(assessment)),
    ]
    approval.submit_record(assessment, caller, SUBMIT, unmet)
    return await _record_transition(session, case, caller, assessment, "submitted")


async def approve_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str | None
) -> AssessmentSchema:
    """Approve an assessment. The first approved assessment of the child moves the case to `planning`.

    Raises:
        GateRefused: the assessment is not submitted, or the caller may not decide on it.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    approval.record_decision(assessment, caller, case, APPROVE, comment, check_case_open(case))
    if assessment.subject == "child" and case.status in START_PLANNING.sources:
        case.status = START_PLANNING.target
        case.updated_at, case.version = utc_now(), case.version + 1
    return await _record_transition(session, case, caller, assessment, "approved")


async def return_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str
) -> AssessmentSchema:
    """Return an assessment to its author with a comment. The author can edit it again.

    Raises:
        GateRefused: the assessment is not submitted, or the caller may not decide on it.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    approval.record_decision(assessment, caller, case, RETURN, comment, check_case_open(case))
    return await _record_transition(session, case, caller, assessment, "returned")


async def _get_for_update(
    session: AsyncSession, assessment_id: UUID, expected_version: int
) -> tuple[Case, Assessment]:
    """Lock and return the case and the assessment. The assessment must have the expected version."""
    case = await get_case_for_update(session, Assessment, assessment_id)
    return case, await get_version_for_update(session, Assessment, assessment_id, expected_version)


async def _record_transition(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, event: str
) -> AssessmentSchema:
    assessment.updated_at = utc_now()
    _record_history(session, case, caller, assessment, event)
    await session.flush()  # the response contains the stored values
    return assessment_to_schema(assessment)


def _record_history(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, event: str
) -> None:
    detail = {"subject": assessment.subject, "kind": assessment.kind}
    record_case_history(session, case, f"assessment_{event}", caller, assessment, detail)


def _store_content(
    assessment: Assessment, content: AssessmentContent, results: dict[str, StoredInstrumentResult]
) -> None:
    """Store ratings and the risk level in plain columns, because reports count them, and encrypt all text."""
    assessment.ratings = {
        name: area.rating for name, area in content.areas if area and area.rating is not None
    }
    assessment.risk_level = content.risk_level
    assessment.content = {
        "sections": dump_content(StoredSections, content.sections),
        "areas": {name: area and dump_content(StoredAreaAssessment, area) for name, area in content.areas},
        "child_wishes": content.child_wishes,
        "no_wishes_reason": content.no_wishes_reason,
        "instruments": results,
    }


def _merge_area_ratings(
    assessment: Assessment, areas: Mapping[str, StoredAreaAssessment | None]
) -> dict[str, object]:
    """Return the areas with their texts and ratings. The value of an area without content is None."""
    return {
        name: texts and {**texts, "rating": assessment.ratings.get(name)} for name, texts in areas.items()
    }


def assessment_to_schema(assessment: Assessment) -> AssessmentSchema:
    """Return the wire representation of an assessment."""
    stored = assessment.content
    document = {**stored, "areas": _merge_area_ratings(assessment, stored["areas"])}
    return AssessmentSchema(
        **assessment.model_dump(include=COLUMN_FIELDS),
        **document,
        risk_level=assessment.risk_level,
        decision_comment=assessment.decision_comment,
    )


def _to_summary(assessment: Assessment) -> AssessmentSummary:
    return AssessmentSummary(
        **assessment.model_dump(include=SUMMARY_FIELDS),
        ratings={area: assessment.ratings.get(area) for area in AREAS},
    )

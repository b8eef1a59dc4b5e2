"""Assessments: drafted piece by piece, submitted and decided on (what changed since the last has a module of its own)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit import approval as decisions
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
from app.models.record import new_id, utc_now
from app.schemas.assessments import (
    Assessment as AssessmentSchema,
)
from app.schemas.assessments import (
    AssessmentAreas,
    AssessmentContent,
    AssessmentCreate,
    AssessmentFilters,
    AssessmentSummary,
    AssessmentUpdate,
)
from app.schemas.wire import Page
from app.services.assessments import instruments
from app.services.assessments.states import APPROVE, RETURN, SUBMIT, check_assessment_content
from app.services.cases import history as case_history
from app.services.cases.states import START_PLANNING, check_case_open
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = set(AssessmentSchema.model_fields) - {"decision_comment", *AssessmentContent.model_fields}
SUMMARY_FIELDS = set(AssessmentSummary.model_fields) - {"ratings"}
AREAS = tuple(AssessmentAreas.model_fields)


async def create_case_assessment(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: AssessmentCreate
) -> AssessmentSchema:
    """Begin a draft. A re-assessment rests on the approved one of the same subject before it.

    Raises:
        InvalidInput: the person is none of the case, has another role in it, or is missing.
        GateRefused: the case is closed, another draft of the subject is under way, or the kind does not fit.
    """
    await _validate_person(session, case_id, payload)
    case = await get_for_update(session, Case, case_id)  # two drafts begun at once wait for each other
    earlier = await _list_earlier_assessments(session, case_id, payload)
    approved = [found for found, status in earlier if status == "approved"]
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
    await session.flush()  # a conflict must surface before the answer leaves
    return assessment_to_schema(assessment)


async def _validate_person(session: AsyncSession, case_id: UUID, payload: AssessmentCreate) -> None:
    await ensure_exists(session, Case, case_id)
    if payload.subject == "child":
        if payload.person_id is not None:
            raise InvalidInput([Fault("/person_id", "not_asked", "The child is known from the case.")])
        return
    if payload.person_id is None:
        raise InvalidInput([Fault("/person_id", "missing", "Name the person of the case it is about.")])
    theirs = col(Person.id) == payload.person_id, col(Person.case_id) == case_id
    fits = (col(Person.role) == payload.subject) | col(Person.is_responsible)
    fit = await session.scalar(select(fits).where(*theirs))
    if fit is None:
        raise InvalidInput([Fault("/person_id", "person_unknown", "Nobody of this case.")])
    if not fit:
        detail = "Somebody of this role, or who bears responsibility for the child, is asked for."
        raise InvalidInput([Fault("/person_id", "role_unfit", detail)])


async def _list_earlier_assessments(
    session: AsyncSession, case_id: UUID, payload: AssessmentCreate
) -> list[tuple[UUID, str]]:
    """Return id and status of the subject's assessments so far, the latest decision first."""
    query = select(col(Assessment.id), col(Assessment.status)).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == payload.subject,
        col(Assessment.person_id) == payload.person_id,
    )
    rows = await session.execute(query.order_by(col(Assessment.decided_at).desc()))
    return [(found, status) for found, status in rows]


def _check_none_in_progress(earlier: list[tuple[UUID, str]]) -> list[Fault]:
    if all(status == "approved" for _, status in earlier):
        return []
    detail = "Another one of the same subject is under way: finish that one."
    return [Fault("/subject", "under_way", detail)]


def _check_kind(payload: AssessmentCreate, approved: list[UUID]) -> list[Fault]:
    if approved and payload.kind == "initial":
        return [Fault("/kind", "assessed_before", "There is an approved one: this is a re-assessment.")]
    if not approved and payload.kind == "reassessment":
        return [Fault("/kind", "not_assessed_before", "There is no approved one: this is the initial one.")]
    return []


async def list_case_assessments(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: AssessmentFilters
) -> Page[AssessmentSummary]:
    """List a case's assessments, newest first."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator(
        "assessments", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": caller.id}
    )
    query = select(Assessment).where(col(Assessment.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.fetch_records(session, query, col(Assessment.created_at), col(Assessment.id))
    return Page(items=[_to_summary(row) for row in rows], next_cursor=cursor)


async def get_assessment(session: AsyncSession, assessment_id: UUID) -> AssessmentSchema:
    """Read one assessment."""
    return assessment_to_schema(await get_record(session, Assessment, assessment_id))


async def update_assessment(
    session: AsyncSession, assessment_id: UUID, expected_version: int, patch: AssessmentUpdate
) -> AssessmentSchema:
    """Write a piece of a draft; what the patch does not name stays as it is.

    Raises:
        GateRefused: it is frozen, or the case is closed.
        InvalidInput: a field is wrong, or an answer is none of its questionnaire's.
    """
    case = await get_case_for_share(session, Assessment, assessment_id)
    assessment = await get_version_for_update(session, Assessment, assessment_id, expected_version)
    raise_if_unmet([*await check_case_writable(session, case), *decisions.check_editable(assessment)])
    told = decrypt(assessment)
    answers = {code: result["answers"] for code, result in told["instruments"].items()}
    written = {**told, "areas": _load_areas(assessment), "risk_level": assessment.risk_level}
    content = apply_patch(AssessmentContent, {**written, "instruments": answers}, patch)
    results = await instruments.score_instruments(session, told["instruments"], content.instruments)
    _store_content(assessment, content, results)
    assessment.updated_at = utc_now()
    await session.flush()  # the answer shows what was stored
    return assessment_to_schema(assessment)


async def submit_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int
) -> AssessmentSchema:
    """Hand an assessment in for a decision.

    Raises:
        GateRefused: something of it is missing; everything that is, one by one.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    unmet = [
        *await check_case_writable(session, case),
        *check_assessment_content(assessment_to_schema(assessment)),
    ]
    decisions.submit_record(assessment, caller, SUBMIT, unmet)
    return await _record_transition(session, case, caller, assessment, "submitted")


async def approve_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str | None
) -> AssessmentSchema:
    """Approve an assessment; the child's first one moves the case on to planning.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    decisions.record_decision(assessment, caller, case, APPROVE, comment, check_case_open(case))
    if assessment.subject == "child" and case.status in START_PLANNING.sources:
        case.status = START_PLANNING.target
        case.updated_at, case.version = utc_now(), case.version + 1
    return await _record_transition(session, case, caller, assessment, "approved")


async def return_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str
) -> AssessmentSchema:
    """Return an assessment with what is still to be done; it may be written in again.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    decisions.record_decision(assessment, caller, case, RETURN, comment, check_case_open(case))
    return await _record_transition(session, case, caller, assessment, "returned")


async def _get_for_update(
    session: AsyncSession, assessment_id: UUID, expected_version: int
) -> tuple[Case, Assessment]:
    """Return the case, held, and the assessment in the version the caller saw."""
    case = await get_case_for_update(session, Assessment, assessment_id)
    return case, await get_version_for_update(session, Assessment, assessment_id, expected_version)


async def _record_transition(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, how: str
) -> AssessmentSchema:
    assessment.updated_at = utc_now()
    _record_history(session, case, caller, assessment, how)
    await session.flush()  # the answer shows what was stored
    return assessment_to_schema(assessment)


def _record_history(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, how: str
) -> None:
    detail = {"subject": assessment.subject, "kind": assessment.kind}
    case_history.record_case_history(session, case, f"assessment_{how}", caller, assessment, detail)


def _store_content(assessment: Assessment, content: AssessmentContent, results: dict[str, Any]) -> None:
    """Numbers and codes go where reports may count them; every word is sealed."""
    document = content.model_dump(mode="json", exclude={"risk_level", "instruments"})
    found = {area: words.pop("rating") for area, words in document["areas"].items() if words}
    assessment.ratings = {area: rating for area, rating in found.items() if rating is not None}
    assessment.risk_level = content.risk_level
    encrypt(assessment, "sealed", {**document, "instruments": results})


def _load_areas(assessment: Assessment) -> dict[str, Any]:
    words = decrypt(assessment)["areas"]
    return {
        area: found and {**found, "rating": assessment.ratings.get(area)} for area, found in words.items()
    }


def assessment_to_schema(assessment: Assessment) -> AssessmentSchema:
    """Return an assessment as it is read."""
    plain: dict[str, Any] = assessment.model_dump(include=COLUMN_FIELDS)
    told = {**decrypt(assessment), "areas": _load_areas(assessment)}
    comment = decisions.get_decision_comment(assessment)
    return AssessmentSchema(**plain, **told, risk_level=assessment.risk_level, decision_comment=comment)


def _to_summary(assessment: Assessment) -> AssessmentSummary:
    plain: dict[str, Any] = assessment.model_dump(include=SUMMARY_FIELDS)
    return AssessmentSummary(**plain, ratings={area: assessment.ratings.get(area) for area in AREAS})

"""Assessments: drafted piece by piece, submitted and decided on (what changed since the last has a module of its own)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit import approval as decisions
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, hold, hold_case, patched, require, steady_case
from app.kit.state_machine import refuse
from app.models import Assessment, Case, Person
from app.models.record import new_id, now
from app.schemas.assessments import (
    Areas,
    AssessmentContent,
    AssessmentFilters,
    AssessmentIn,
    AssessmentItem,
    AssessmentOut,
    AssessmentPatch,
)
from app.schemas.wire import Page
from app.services.assessments import instruments
from app.services.assessments.states import APPROVE, RETURN, SUBMIT, unmet_content
from app.services.cases import history as case_history
from app.services.cases.states import ASSESS, unmet_open
from app.services.cases.write_access import unmet_writing

PLAIN = set(AssessmentOut.model_fields) - {"decision_comment", *AssessmentContent.model_fields}
IN_LISTS = set(AssessmentItem.model_fields) - {"ratings"}
AREAS = tuple(Areas.model_fields)


async def begin(session: AsyncSession, actor: Actor, case_id: UUID, told: AssessmentIn) -> AssessmentOut:
    """Begin a draft. A re-assessment rests on the approved one of the same subject before it.

    Raises:
        InvalidInput: the person is none of the case, has another role in it, or is missing.
        GateRefused: the case is closed, another draft of the subject is under way, or the kind does not fit.
    """
    await _refuse_stranger(session, case_id, told)
    case = await hold(session, Case, case_id)  # two drafts begun at once wait for each other
    earlier = await _earlier(session, case_id, told)
    approved = [found for found, status in earlier if status == "approved"]
    refuse([*await unmet_writing(session, case), *_unmet_alone(earlier), *_unmet_kind(told, approved)])
    assessment = Assessment(
        id=told.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        author_id=actor.id,
        previous_id=approved[0] if approved else None,
        **told.model_dump(include={"subject", "person_id", "kind"}),
    )
    _write(assessment, AssessmentContent(), {})
    session.add(assessment)
    _tell(session, case, actor, assessment, "started")
    await session.flush()  # a conflict must surface before the answer leaves
    return shown(assessment)


async def _refuse_stranger(session: AsyncSession, case_id: UUID, told: AssessmentIn) -> None:
    await require(session, Case, case_id)
    if told.subject == "child":
        if told.person_id is not None:
            raise InvalidInput([Fault("/person_id", "not_asked", "The child is known from the case.")])
        return
    if told.person_id is None:
        raise InvalidInput([Fault("/person_id", "missing", "Name the person of the case it is about.")])
    theirs = col(Person.id) == told.person_id, col(Person.case_id) == case_id
    fits = (col(Person.role) == told.subject) | col(Person.is_responsible)
    fit = await session.scalar(select(fits).where(*theirs))
    if fit is None:
        raise InvalidInput([Fault("/person_id", "person_unknown", "Nobody of this case.")])
    if not fit:
        detail = "Somebody of this role, or who bears responsibility for the child, is asked for."
        raise InvalidInput([Fault("/person_id", "role_unfit", detail)])


async def _earlier(session: AsyncSession, case_id: UUID, told: AssessmentIn) -> list[tuple[UUID, str]]:
    """Return id and status of the subject's assessments so far, the latest decision first."""
    query = select(col(Assessment.id), col(Assessment.status)).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == told.subject,
        col(Assessment.person_id) == told.person_id,
    )
    rows = await session.execute(query.order_by(col(Assessment.decided_at).desc()))
    return [(found, status) for found, status in rows]


def _unmet_alone(earlier: list[tuple[UUID, str]]) -> list[Fault]:
    if all(status == "approved" for _, status in earlier):
        return []
    detail = "Another one of the same subject is under way: finish that one."
    return [Fault("/subject", "under_way", detail)]


def _unmet_kind(told: AssessmentIn, approved: list[UUID]) -> list[Fault]:
    if approved and told.kind == "initial":
        return [Fault("/kind", "assessed_before", "There is an approved one: this is a re-assessment.")]
    if not approved and told.kind == "reassessment":
        return [Fault("/kind", "not_assessed_before", "There is no approved one: this is the initial one.")]
    return []


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: AssessmentFilters
) -> Page[AssessmentItem]:
    """List a case's assessments, newest first."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging(
        "assessments", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id}
    )
    query = select(Assessment).where(col(Assessment.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.records(session, query, col(Assessment.created_at), col(Assessment.id))
    return Page(items=[_item(row) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, assessment_id: UUID) -> AssessmentOut:
    """Read one assessment."""
    return shown(await find(session, Assessment, assessment_id))


async def change(
    session: AsyncSession, assessment_id: UUID, seen: int, patch: AssessmentPatch
) -> AssessmentOut:
    """Write a piece of a draft; what the patch does not name stays as it is.

    Raises:
        GateRefused: it is frozen, or the case is closed.
        InvalidInput: a field is wrong, or an answer is none of its questionnaire's.
    """
    case = await steady_case(session, Assessment, assessment_id)
    assessment = await find_for_change(session, Assessment, assessment_id, seen)
    refuse([*await unmet_writing(session, case), *decisions.unmet_writable(assessment)])
    told = unseal(assessment)
    answers = {code: result["answers"] for code, result in told["instruments"].items()}
    written = {**told, "areas": _areas(assessment), "risk_level": assessment.risk_level}
    content = patched(AssessmentContent, {**written, "instruments": answers}, patch)
    results = await instruments.answered(session, told["instruments"], content.instruments)
    _write(assessment, content, results)
    assessment.updated_at = now()
    await session.flush()  # the answer shows what was stored
    return shown(assessment)


async def submit(session: AsyncSession, actor: Actor, assessment_id: UUID, seen: int) -> AssessmentOut:
    """Hand an assessment in for a decision.

    Raises:
        GateRefused: something of it is missing; everything that is, one by one.
    """
    case, assessment = await _held(session, assessment_id, seen)
    unmet = [*await unmet_writing(session, case), *unmet_content(shown(assessment))]
    decisions.submit(assessment, actor, SUBMIT, unmet)
    return await _moved(session, case, actor, assessment, "submitted")


async def approve(
    session: AsyncSession, actor: Actor, assessment_id: UUID, seen: int, comment: str | None
) -> AssessmentOut:
    """Approve an assessment; the child's first one moves the case on to planning.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, assessment = await _held(session, assessment_id, seen)
    decisions.decide(assessment, actor, case, APPROVE, comment, unmet_open(case))
    if assessment.subject == "child" and case.status in ASSESS.sources:
        case.status = ASSESS.target
        case.updated_at, case.version = now(), case.version + 1
    return await _moved(session, case, actor, assessment, "approved")


async def send_back(
    session: AsyncSession, actor: Actor, assessment_id: UUID, seen: int, comment: str
) -> AssessmentOut:
    """Return an assessment with what is still to be done; it may be written in again.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, assessment = await _held(session, assessment_id, seen)
    decisions.decide(assessment, actor, case, RETURN, comment, unmet_open(case))
    return await _moved(session, case, actor, assessment, "returned")


async def _held(session: AsyncSession, assessment_id: UUID, seen: int) -> tuple[Case, Assessment]:
    """Return the case, held, and the assessment in the version the caller saw."""
    case = await hold_case(session, Assessment, assessment_id)
    return case, await find_for_change(session, Assessment, assessment_id, seen)


async def _moved(
    session: AsyncSession, case: Case, actor: Actor, assessment: Assessment, how: str
) -> AssessmentOut:
    assessment.updated_at = now()
    _tell(session, case, actor, assessment, how)
    await session.flush()  # the answer shows what was stored
    return shown(assessment)


def _tell(session: AsyncSession, case: Case, actor: Actor, assessment: Assessment, how: str) -> None:
    detail = {"subject": assessment.subject, "kind": assessment.kind}
    case_history.record(session, case, f"assessment_{how}", actor, assessment, detail)


def _write(assessment: Assessment, content: AssessmentContent, results: dict[str, Any]) -> None:
    """Numbers and codes go where reports may count them; every word is sealed."""
    document = content.model_dump(mode="json", exclude={"risk_level", "instruments"})
    found = {area: words.pop("rating") for area, words in document["areas"].items() if words}
    assessment.ratings = {area: rating for area, rating in found.items() if rating is not None}
    assessment.risk_level = content.risk_level
    seal(assessment, "sealed", {**document, "instruments": results})


def _areas(assessment: Assessment) -> dict[str, Any]:
    words = unseal(assessment)["areas"]
    return {
        area: found and {**found, "rating": assessment.ratings.get(area)} for area, found in words.items()
    }


def shown(assessment: Assessment) -> AssessmentOut:
    """Return an assessment as it is read."""
    plain: dict[str, Any] = assessment.model_dump(include=PLAIN)
    told = {**unseal(assessment), "areas": _areas(assessment)}
    comment = decisions.comment_of(assessment)
    return AssessmentOut(**plain, **told, risk_level=assessment.risk_level, decision_comment=comment)


def _item(assessment: Assessment) -> AssessmentItem:
    plain: dict[str, Any] = assessment.model_dump(include=IN_LISTS)
    return AssessmentItem(**plain, ratings={area: assessment.ratings.get(area) for area in AREAS})

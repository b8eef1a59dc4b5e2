"""How the demonstration's children, supporters and families are assessed."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo.case_scenarios import AREAS, ApprovalStage
from app.demo.case_simulation import CaseSimulation
from app.schemas.assessments import AssessmentCreate, AssessmentUpdate
from app.services.assessments import approve, assessments

SECTIONS = ("current_situation", "personal_history", "family_home", "physical_state", "emotional_state")
SOURCES = ("child", "supporter", "school", "observation", "family")
MAX_WEAK_RATING = 2
"""The highest rating that asks for a goal."""
RISK_LEVELS = ("low", "medium", "medium", "high")
POSITIVE_ITEMS = ("slept_well", "laughed", "with_friends", "somebody_to_tell", "safe_at_home")
NEGATIVE_ITEMS = ("worried", "startled", "alone")
"""Of the example questionnaire."""


@dataclass(frozen=True, slots=True)
class AssessmentReference:
    """An assessment as far as it has come."""

    id: UUID
    version: int


async def simulate_assessment(
    life: CaseSimulation,
    days: tuple[date, date, date],
    *,
    subject: str = "child",
    person_id: UUID | None = None,
    kind: str = "initial",
    ratings: dict[str, int] | None = None,
    approval_stage: ApprovalStage | None = None,
) -> AssessmentReference:
    """Play an assessment: begun on the first day, submitted on the second, decided on the third; or up to a stage."""
    rated = ratings or life.scenario.initial_ratings()
    found = await _write_draft(
        life,
        days[0],
        AssessmentCreate(subject=subject, person_id=person_id, kind=kind),
        rated,
        approval_stage,
    )
    if approval_stage == "draft":
        return found
    async with life.run_as(life.worker, Permission.assessment_submit, days[1]) as (session, actor):
        found = _to_reference(await approve.submit_assessment(session, actor, found.id, found.version))
    if approval_stage == "submitted":
        return found
    async with life.run_as(life.supervisor, Permission.assessment_decide, days[2]) as (session, actor):
        if approval_stage == "returned":
            comment = life.choose_text("returned")
            return _to_reference(
                await approve.return_assessment(session, actor, found.id, found.version, comment)
            )
        comment = life.choose_text("approved")
        return _to_reference(
            await approve.approve_assessment(session, actor, found.id, found.version, comment)
        )


async def _write_draft(
    life: CaseSimulation,
    day: date,
    payload: AssessmentCreate,
    ratings: dict[str, int],
    stage: ApprovalStage | None,
) -> AssessmentReference:
    document = _build_content(life, ratings)
    if payload.subject == "child" and life.scenario.number % 3 == 0:
        document["instruments"] = {"my_week": _answer_questionnaire(life, ratings)}
    if stage == "draft":
        document = {"sections": {"current_situation": document["sections"]["current_situation"]}}
    async with life.run_as(life.worker, Permission.assessment_write, day) as (session, actor):
        begun = await assessments.create_case_assessment(session, actor, life.case_id, payload)
        patch = AssessmentUpdate.model_validate(document)
        return _to_reference(await assessments.update_assessment(session, begun.id, begun.version, patch))


def _to_reference(found: Any) -> AssessmentReference:
    return AssessmentReference(found.id, found.version)


def _build_content(life: CaseSimulation, ratings: dict[str, int]) -> dict[str, Any]:
    return {
        "sections": {section: life.choose_text("sections", section) for section in SECTIONS},
        "areas": {area: _build_area(life, area, ratings[area]) for area in AREAS},
        "child_wishes": life.choose_text("wishes"),
        "risk_level": RISK_LEVELS[life.scenario.number % len(RISK_LEVELS)],
    }


def _build_area(life: CaseSimulation, area: str, rating: int) -> dict[str, Any]:
    is_weak = rating <= MAX_WEAK_RATING
    return {
        "rating": rating,
        "need": life.choose_text("areas", area, "need" if is_weak else "fine"),
        "strengths": life.choose_text("areas", area, "strengths"),
        "risk": life.choose_text("areas", area, "risk" if is_weak else "safe"),
        "source": life.rng.choice(SOURCES),
    }


def _answer_questionnaire(life: CaseSimulation, ratings: dict[str, int]) -> dict[str, int]:
    """Answer the example questionnaire: the steadier the child, the easier the week."""
    often = min(3, max(0, ratings["emotional_health"] - 1 + life.rng.randrange(-1, 2)))
    return dict.fromkeys(POSITIVE_ITEMS, often) | dict.fromkeys(NEGATIVE_ITEMS, 3 - often)

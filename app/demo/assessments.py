"""Simulate assessments of children, supporters and families."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo.case_scenarios import AREAS, ApprovalStage
from app.demo.case_simulation import CaseSimulation
from app.schemas.assessments import Assessment, AssessmentCreate, AssessmentUpdate
from app.services.assessments import approve, assessments

SECTIONS = ("current_situation", "personal_history", "family_home", "physical_state", "emotional_state")
SOURCES = ("child", "supporter", "school", "observation", "family")
MAX_WEAK_RATING = 2
"""Areas with this rating or a lower one need a goal."""
RISK_LEVELS = ("low", "medium", "medium", "high")
SYMPTOMS = (
    "anxiety",
    "sleep_problems",
    "low_mood",
    "withdrawal",
    "aggression",
    "concentration",
    "injuries",
    "pain",
)
FAMILY_CIRCUMSTANCES = ("poverty", "alcohol", "debt", "parent_works_elsewhere", "parents_separated", "stigma")
POSITIVE_ITEMS = ("slept_well", "laughed", "with_friends", "somebody_to_tell", "safe_at_home")
NEGATIVE_ITEMS = ("worried", "startled", "alone")
"""Items of the example questionnaire `my_week`, scored from 0 to 3."""


@dataclass(frozen=True, slots=True)
class AssessmentReference:
    """Id and current version of an assessment."""

    id: UUID
    version: int


async def simulate_assessment(
    simulation: CaseSimulation,
    days: tuple[date, date, date],
    *,
    subject: str = "child",
    person_id: UUID | None = None,
    kind: str = "initial",
    ratings: dict[str, int] | None = None,
    approval_stage: ApprovalStage | None = None,
) -> AssessmentReference:
    """Simulate an assessment: draft on the first day, submission on the second, decision on the third.

    With an `approval_stage` the simulation ends at that stage.
    """
    reference = await _write_draft(
        simulation,
        days[0],
        AssessmentCreate(subject=subject, person_id=person_id, kind=kind),
        ratings or simulation.scenario.initial_ratings(),
        approval_stage,
    )
    if approval_stage == "draft":
        return reference
    async with simulation.run_as(simulation.worker, Permission.assessment_submit, days[1]) as (
        session,
        caller,
    ):
        reference = _to_reference(
            await approve.submit_assessment(session, caller, reference.id, reference.version)
        )
    if approval_stage == "submitted":
        return reference
    async with simulation.run_as(simulation.supervisor, Permission.assessment_decide, days[2]) as (
        session,
        caller,
    ):
        if approval_stage == "returned":
            comment = simulation.choose_text("returned")
            return _to_reference(
                await approve.return_assessment(session, caller, reference.id, reference.version, comment)
            )
        comment = simulation.choose_text("approved")
        return _to_reference(
            await approve.approve_assessment(session, caller, reference.id, reference.version, comment)
        )


async def _write_draft(
    simulation: CaseSimulation,
    day: date,
    payload: AssessmentCreate,
    ratings: dict[str, int],
    stage: ApprovalStage | None,
) -> AssessmentReference:
    content = _build_content(simulation, ratings)
    if payload.subject == "child" and simulation.scenario.number % 3 == 0:
        content["instruments"] = {"my_week": _answer_questionnaire(simulation, ratings)}
    if stage == "draft":
        content = {"sections": {"current_situation": content["sections"]["current_situation"]}}
    async with simulation.run_as(simulation.worker, Permission.assessment_write, day) as (session, caller):
        assessment = await assessments.create_case_assessment(session, caller, simulation.case_id, payload)
        patch = AssessmentUpdate.model_validate(content)
        return _to_reference(
            await assessments.update_assessment(session, assessment.id, assessment.version, patch)
        )


def _to_reference(assessment: Assessment) -> AssessmentReference:
    return AssessmentReference(assessment.id, assessment.version)


def _build_content(simulation: CaseSimulation, ratings: dict[str, int]) -> dict[str, Any]:
    return {
        "sections": {section: simulation.choose_text("sections", section) for section in SECTIONS},
        "areas": {area: _build_area(simulation, area, ratings[area]) for area in AREAS},
        "symptoms": _choose_symptoms(simulation, ratings),
        "family_circumstances": simulation.rng.sample(FAMILY_CIRCUMSTANCES, simulation.rng.randrange(4)),
        "child_wishes": simulation.choose_text("wishes"),
        "risk_level": RISK_LEVELS[simulation.scenario.number % len(RISK_LEVELS)],
    }


def _choose_symptoms(simulation: CaseSimulation, ratings: dict[str, int]) -> list[str]:
    """Return more symptoms the weaker the emotional health of the child is."""
    count = max(0, 4 - ratings["emotional_health"])
    return simulation.rng.sample(SYMPTOMS, count)


def _build_area(simulation: CaseSimulation, area: str, rating: int) -> dict[str, Any]:
    is_weak = rating <= MAX_WEAK_RATING
    return {
        "rating": rating,
        "need": simulation.choose_text("areas", area, "need" if is_weak else "fine"),
        "strengths": simulation.choose_text("areas", area, "strengths"),
        "risk": simulation.choose_text("areas", area, "risk" if is_weak else "safe"),
        "source": simulation.rng.choice(SOURCES),
    }


def _answer_questionnaire(simulation: CaseSimulation, ratings: dict[str, int]) -> dict[str, int]:
    """Return answers to the example questionnaire that agree with the rating of emotional health."""
    score = min(3, max(0, ratings["emotional_health"] - 1 + simulation.rng.randrange(-1, 2)))
    return dict.fromkeys(POSITIVE_ITEMS, score) | dict.fromkeys(NEGATIVE_ITEMS, 3 - score)

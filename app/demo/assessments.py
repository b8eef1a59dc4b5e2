"""How the demonstration's children, supporters and families are assessed."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo.child import Life
from app.demo.storylines import AREAS, Stage
from app.schemas.assessments import AssessmentIn, AssessmentPatch
from app.services.assessments import assessments

SECTIONS = ("current_situation", "personal_history", "family_home", "physical_state", "emotional_state")
SOURCES = ("child", "supporter", "school", "observation", "family")
WEAK = 2
"""The highest rating that asks for a goal."""
RISKS = ("low", "medium", "medium", "high")
GOOD_SIGNS = ("slept_well", "laughed", "with_friends", "somebody_to_tell", "safe_at_home")
BAD_SIGNS = ("worried", "startled", "alone")
"""Of the example questionnaire."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment as far as it has come."""

    id: UUID
    version: int


async def assess(
    life: Life,
    days: tuple[date, date, date],
    *,
    subject: str = "child",
    person_id: UUID | None = None,
    kind: str = "initial",
    ratings: dict[str, int] | None = None,
    stage: Stage | None = None,
) -> Assessed:
    """Play an assessment: begun on the first day, submitted on the second, decided on the third; or up to a stage."""
    rated = ratings or life.story.first_ratings()
    found = await _write(
        life, days[0], AssessmentIn(subject=subject, person_id=person_id, kind=kind), rated, stage
    )
    if stage == "draft":
        return found
    async with life.acting(life.worker, Permission.assessment_submit, days[1]) as (session, actor):
        found = _known(await assessments.submit(session, actor, found.id, found.version))
    if stage == "submitted":
        return found
    async with life.acting(life.supervisor, Permission.assessment_decide, days[2]) as (session, actor):
        if stage == "returned":
            comment = life.say("returned")
            return _known(await assessments.send_back(session, actor, found.id, found.version, comment))
        comment = life.say("approved")
        return _known(await assessments.approve(session, actor, found.id, found.version, comment))


async def _write(
    life: Life, day: date, told: AssessmentIn, ratings: dict[str, int], stage: Stage | None
) -> Assessed:
    document = _document(life, ratings)
    if told.subject == "child" and life.story.number % 3 == 0:
        document["instruments"] = {"my_week": _answers(life, ratings)}
    if stage == "draft":
        document = {"sections": {"current_situation": document["sections"]["current_situation"]}}
    async with life.acting(life.worker, Permission.assessment_write, day) as (session, actor):
        begun = await assessments.begin(session, actor, life.case_id, told)
        patch = AssessmentPatch.model_validate(document)
        return _known(await assessments.change(session, begun.id, begun.version, patch))


def _known(found: Any) -> Assessed:
    return Assessed(found.id, found.version)


def _document(life: Life, ratings: dict[str, int]) -> dict[str, Any]:
    return {
        "sections": {section: life.say("sections", section) for section in SECTIONS},
        "areas": {area: _area(life, area, ratings[area]) for area in AREAS},
        "child_wishes": life.say("wishes"),
        "risk_level": RISKS[life.story.number % len(RISKS)],
    }


def _area(life: Life, area: str, rating: int) -> dict[str, Any]:
    is_weak = rating <= WEAK
    return {
        "rating": rating,
        "need": life.say("areas", area, "need" if is_weak else "fine"),
        "strengths": life.say("areas", area, "strengths"),
        "risk": life.say("areas", area, "risk" if is_weak else "safe"),
        "source": life.draw.choice(SOURCES),
    }


def _answers(life: Life, ratings: dict[str, int]) -> dict[str, int]:
    """Answer the example questionnaire: the steadier the child, the easier the week."""
    often = min(3, max(0, ratings["emotional_health"] - 1 + life.draw.randrange(-1, 2)))
    return dict.fromkeys(GOOD_SIGNS, often) | dict.fromkeys(BAD_SIGNS, 3 - often)

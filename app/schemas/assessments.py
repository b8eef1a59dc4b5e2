"""Assessments on the wire: five sections, seven areas, wishes, risk, questionnaires; filled piece by piece."""

from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.decisions import DecidedOut
from app.schemas.instruments import Answers, BandReached, InstrumentResult, Key, Words
from app.schemas.merge_patch import patch_of
from app.schemas.wire import (
    Id,
    Input,
    Line,
    Moment,
    Narrative,
    NewId,
    Output,
    PageQuery,
    ShortNarrative,
    Versioned,
    Whole,
)

Subject = Annotated[str, CodeOf("subject")]
AssessmentKind = Annotated[str, CodeOf("assessment_kind")]
Area = Annotated[str, CodeOf("area")]
RiskLevel = Annotated[str, CodeOf("risk_level")]
Rating = Annotated[Whole, Field(ge=1, le=4)]
"""1 (weak) to 4 (strong)."""


class AssessmentIn(Input):
    """A new draft: of the child, or of a supporter or a family, who are a person of the case."""

    id: NewId | None = None
    subject: Subject
    person_id: Id | None = None
    kind: AssessmentKind


class Sections(Input):
    """The five sections."""

    current_situation: Narrative | None = None
    personal_history: Narrative | None = None
    family_home: Narrative | None = None
    physical_state: Narrative | None = None
    emotional_state: Narrative | None = None


class AreaFound(Input):
    """How one area is."""

    rating: Rating | None = None
    need: ShortNarrative | None = None
    strengths: ShortNarrative | None = None
    risk: ShortNarrative | None = None
    source: Line | None = Field(
        None,
        description="Who said so, in words; the list `information_source` names whom one mostly hears it from.",
    )


class Areas(Input):
    """The seven areas."""

    emotional_health: AreaFound | None = None
    physical_health: AreaFound | None = None
    shelter_safety: AreaFound | None = None
    behaviour: AreaFound | None = None
    relationships: AreaFound | None = None
    education: AreaFound | None = None
    legal: AreaFound | None = None


class AssessmentContent(Input):
    """What is written in an assessment; a draft may hold any part of it."""

    sections: Sections = Field(default_factory=Sections)
    areas: Areas = Field(default_factory=Areas)
    child_wishes: Narrative | None = None
    no_wishes_reason: ShortNarrative | None = None
    risk_level: RiskLevel | None = None
    instruments: Annotated[dict[Key, Answers], Field(max_length=20)] = Field(default_factory=dict)


if TYPE_CHECKING:

    class AssessmentPatch(Input):
        """Changes to an assessment."""
else:
    AssessmentPatch = patch_of(AssessmentContent, "AssessmentPatch")


class AssessmentFilters(PageQuery):
    """Which assessments of a case."""

    subject: Subject | None = None
    person_id: Id | None = None
    status: Annotated[str, CodeOf("decision_status")] | None = None


class AssessmentOut(DecidedOut):
    """An assessment."""

    collection: ClassVar[str | None] = "assessments"

    subject: Subject
    person_id: UUID | None
    kind: AssessmentKind
    previous_id: UUID | None
    sections: Sections
    areas: Areas
    child_wishes: str | None
    no_wishes_reason: str | None
    risk_level: RiskLevel | None
    instruments: dict[Key, InstrumentResult]


class AssessmentItem(Versioned):
    """An assessment in a list: without its words."""

    child_id: UUID
    case_id: UUID
    subject: Subject
    person_id: UUID | None
    kind: AssessmentKind
    previous_id: UUID | None
    status: Annotated[str, CodeOf("decision_status")]
    risk_level: RiskLevel | None
    ratings: dict[Area, int | None]
    author_id: UUID
    submitted_at: Moment | None
    decided_at: Moment | None
    created_at: Moment
    updated_at: Moment


class RatingChange(Output):
    """A rating then and now; null where there was or is none."""

    before: int | None
    after: int | None
    change: int | None


class RiskChange(Output):
    """The level of risk then and now."""

    before: RiskLevel | None
    after: RiskLevel | None


class InstrumentScore(Output):
    """A score with what it means."""

    instrument_id: UUID
    edition: int
    score: float | None
    band: BandReached | None


class InstrumentChange(Output):
    """The score of a questionnaire then and now."""

    code: Key
    title: Words
    before: InstrumentScore | None
    after: InstrumentScore | None
    change: float | None = Field(description="Null unless both have a score of the same edition.")


class AssessmentChanges(Output):
    """What changed since the approved assessment of the same subject before; without one, everything is new."""

    id: UUID
    child_id: UUID
    case_id: UUID
    previous_id: UUID | None
    previous_decided_at: Moment | None
    areas: dict[Area, RatingChange]
    risk_level: RiskChange
    instruments: list[InstrumentChange]

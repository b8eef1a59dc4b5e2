"""Assessments on the wire: five sections, seven areas, wishes, risk, questionnaires; filled piece by piece."""

from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.decisions import ApprovableRecord
from app.schemas.instruments import (
    DefinitionKey,
    InstrumentAnswers,
    InstrumentResult,
    LocalizedText,
    ReachedScoreBand,
)
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    PageQuery,
    ShortNarrative,
    ShortText,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

Subject = Annotated[str, CodeOf("subject")]
AssessmentKind = Annotated[str, CodeOf("assessment_kind")]
Area = Annotated[str, CodeOf("area")]
RiskLevel = Annotated[str, CodeOf("risk_level")]
Rating = Annotated[StrictInteger, Field(ge=1, le=4)]
"""1 (weak) to 4 (strong)."""


class AssessmentCreate(Input):
    """A new draft: of the child, or of a supporter or a family, who are a person of the case."""

    id: ClientChosenId | None = None
    subject: Subject
    person_id: Id | None = None
    kind: AssessmentKind


class AssessmentSections(Input):
    """The five sections."""

    current_situation: Narrative | None = None
    personal_history: Narrative | None = None
    family_home: Narrative | None = None
    physical_state: Narrative | None = None
    emotional_state: Narrative | None = None


class AreaAssessment(Input):
    """How one area is."""

    rating: Rating | None = None
    need: ShortNarrative | None = None
    strengths: ShortNarrative | None = None
    risk: ShortNarrative | None = None
    source: ShortText | None = Field(
        None,
        description="Who said so, in words; the list `information_source` names whom one mostly hears it from.",
    )


class AssessmentAreas(Input):
    """The seven areas."""

    emotional_health: AreaAssessment | None = None
    physical_health: AreaAssessment | None = None
    shelter_safety: AreaAssessment | None = None
    behaviour: AreaAssessment | None = None
    relationships: AreaAssessment | None = None
    education: AreaAssessment | None = None
    legal: AreaAssessment | None = None


class AssessmentContent(Input):
    """What is written in an assessment; a draft may hold any part of it."""

    sections: AssessmentSections = Field(default_factory=AssessmentSections)
    areas: AssessmentAreas = Field(default_factory=AssessmentAreas)
    child_wishes: Narrative | None = None
    no_wishes_reason: ShortNarrative | None = None
    risk_level: RiskLevel | None = None
    instruments: Annotated[dict[DefinitionKey, InstrumentAnswers], Field(max_length=20)] = Field(
        default_factory=dict
    )


if TYPE_CHECKING:

    class AssessmentUpdate(Input):
        """Changes to an assessment."""
else:
    AssessmentUpdate = build_patch_model(AssessmentContent, "AssessmentUpdate")


class AssessmentFilters(PageQuery):
    """Which assessments of a case."""

    subject: Subject | None = None
    person_id: Id | None = None
    status: Annotated[str, CodeOf("decision_status")] | None = None


class Assessment(ApprovableRecord):
    """An assessment."""

    collection: ClassVar[str | None] = "assessments"

    subject: Subject
    person_id: UUID | None
    kind: AssessmentKind
    previous_id: UUID | None
    sections: AssessmentSections
    areas: AssessmentAreas
    child_wishes: str | None
    no_wishes_reason: str | None
    risk_level: RiskLevel | None
    instruments: dict[DefinitionKey, InstrumentResult]


class AssessmentSummary(Versioned):
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
    submitted_at: UtcDateTime | None
    decided_at: UtcDateTime | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class RatingChange(Output):
    """A rating then and now; null where there was or is none."""

    before: int | None
    after: int | None
    change: int | None


class RiskLevelChange(Output):
    """The level of risk then and now."""

    before: RiskLevel | None
    after: RiskLevel | None


class InstrumentScore(Output):
    """A score with what it means."""

    instrument_id: UUID
    edition: int
    score: float | None
    band: ReachedScoreBand | None


class InstrumentChange(Output):
    """The score of a questionnaire then and now."""

    code: DefinitionKey
    title: LocalizedText
    before: InstrumentScore | None
    after: InstrumentScore | None
    change: float | None = Field(description="Null unless both have a score of the same edition.")


class AssessmentChanges(Output):
    """What changed since the approved assessment of the same subject before; without one, everything is new."""

    id: UUID
    child_id: UUID
    case_id: UUID
    previous_id: UUID | None
    previous_decided_at: UtcDateTime | None
    areas: dict[Area, RatingChange]
    risk_level: RiskLevelChange
    instruments: list[InstrumentChange]

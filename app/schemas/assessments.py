"""Schemas of assessments: five sections, seven areas, the child's wishes, the risk level and questionnaires."""

from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.decisions import ApprovableRecord
from app.schemas.instruments import DefinitionKey, InstrumentAnswers, InstrumentResult
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PersonRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Id,
    Input,
    Narrative,
    Page,
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
Symptom = Annotated[str, CodeOf("symptom")]
FamilyCircumstance = Annotated[str, CodeOf("family_circumstance")]
RiskLevel = Annotated[str, CodeOf("risk_level")]
Rating = Annotated[StrictInteger, Field(ge=1, le=4)]
"""Rating of an area from 1 (weak) to 4 (strong)."""


class AssessmentCreate(Input):
    """A new draft assessment of the child, or of a person of the case as supporter or family."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    subject: Subject = Field(description="Subject of the assessment: `child`, `supporter` or `family`.")
    person_id: Id | None = Field(
        None,
        description="Id of the person of the case whom the assessment is about. Required for supporter and family, "
        "not allowed for the child.",
    )
    kind: AssessmentKind = Field(
        description="`initial` for the first assessment of the subject, `reassessment` for every later one."
    )


class AssessmentSections(Input):
    """The five sections of an assessment."""

    current_situation: Narrative | None = Field(None, description="Current situation of the subject.")
    personal_history: Narrative | None = Field(None, description="Personal history of the subject.")
    family_home: Narrative | None = Field(None, description="Family and home life.")
    physical_state: Narrative | None = Field(None, description="Physical state and health.")
    emotional_state: Narrative | None = Field(None, description="Emotional state.")


class AreaAssessment(Input):
    """The assessment of one area."""

    rating: Rating | None = Field(None, description="Rating of the area, from 1 (weak) to 4 (strong).")
    need: ShortNarrative | None = Field(None, description="Needs in the area.")
    strengths: ShortNarrative | None = Field(
        None, description="Strengths in the area that the plan can build on."
    )
    risk: ShortNarrative | None = Field(None, description="Risks in the area.")
    source: ShortText | None = Field(
        None,
        description="Source of the information, as free text. The code list `information_source` names common sources.",
    )


class AssessmentAreas(Input):
    """The assessment of each of the seven areas."""

    emotional_health: AreaAssessment | None = Field(
        None, description="Assessment of the area `emotional_health`."
    )
    physical_health: AreaAssessment | None = Field(
        None, description="Assessment of the area `physical_health`."
    )
    shelter_safety: AreaAssessment | None = Field(
        None, description="Assessment of the area `shelter_safety`."
    )
    behaviour: AreaAssessment | None = Field(None, description="Assessment of the area `behaviour`.")
    relationships: AreaAssessment | None = Field(None, description="Assessment of the area `relationships`.")
    education: AreaAssessment | None = Field(None, description="Assessment of the area `education`.")
    legal: AreaAssessment | None = Field(None, description="Assessment of the area `legal`.")


class AssessmentContent(Input):
    """The editable content of an assessment. A draft may be incomplete."""

    sections: AssessmentSections = Field(
        default_factory=AssessmentSections, description="The five sections of the assessment."
    )
    areas: AssessmentAreas = Field(
        default_factory=AssessmentAreas, description="The assessments of the seven areas."
    )
    child_wishes: Narrative | None = Field(None, description="The child's own wishes, in the child's words.")
    no_wishes_reason: ShortNarrative | None = Field(
        None, description="Reason why the child's wishes are not recorded."
    )
    risk_level: RiskLevel | None = Field(None, description="Overall risk level of the child's situation.")
    symptoms: Annotated[list[Symptom], Field(max_length=30)] = Field(
        default_factory=list,
        description="Symptoms and injuries of the subject, as codes in addition to the sections. An empty list means that "
        "none is recorded.",
    )
    family_circumstances: Annotated[list[FamilyCircumstance], Field(max_length=30)] = Field(
        default_factory=list,
        description="Circumstances of the family that make recovery harder, as codes in addition to the sections.",
    )
    instruments: Annotated[dict[DefinitionKey, InstrumentAnswers], Field(max_length=20)] = Field(
        default_factory=dict,
        description="Answers to scored questionnaires, by the code of the questionnaire.",
    )


if TYPE_CHECKING:

    class AssessmentUpdate(Input):
        """Changes to the content of an assessment."""
else:
    AssessmentUpdate = build_patch_model(AssessmentContent, "AssessmentUpdate")


class AssessmentFilters(PageQuery):
    """Query parameters of the list of assessments."""

    subject: Subject | None = Field(None, description="Only assessments of this subject.")
    person_id: Id | None = Field(None, description="Only assessments of this person of the case.")
    status: CommaSeparated[Annotated[str, CodeOf("decision_status")]] | None = Field(
        None, description="Only assessments with one of these statuses."
    )


class Assessment(ApprovableRecord):
    """An assessment with its full content."""

    collection: ClassVar[str | None] = "assessments"

    subject: Subject = Field(description="Subject of the assessment: `child`, `supporter` or `family`.")
    person_id: UUID | None = Field(
        description="Id of the person of the case whom the assessment is about; null for the child."
    )
    person: PersonRef | None = Field(description="The person with the id `person_id`.")
    kind: AssessmentKind = Field(
        description="`initial` for the first assessment of the subject, `reassessment` for every later one."
    )
    previous_id: UUID | None = Field(
        description="Id of the previous approved assessment of the same subject; null for the first."
    )
    sections: AssessmentSections = Field(description="The five sections of the assessment.")
    areas: AssessmentAreas = Field(description="The assessments of the seven areas.")
    child_wishes: str | None = Field(description="The child's own wishes, in the child's words.")
    no_wishes_reason: str | None = Field(description="Reason why the child's wishes are not recorded.")
    risk_level: RiskLevel | None = Field(description="Overall risk level of the child's situation.")
    symptoms: list[Symptom] = Field(description="Symptoms and injuries of the subject, as codes.")
    family_circumstances: list[FamilyCircumstance] = Field(
        description="Circumstances of the family that make recovery harder, as codes."
    )
    instruments: dict[DefinitionKey, InstrumentResult] = Field(
        description="Results of scored questionnaires, by the code of the questionnaire."
    )


class AssessmentSummary(Versioned):
    """An assessment in a list, without its texts."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    subject: Subject = Field(description="Subject of the assessment: `child`, `supporter` or `family`.")
    person_id: UUID | None = Field(
        description="Id of the person of the case whom the assessment is about; null for the child."
    )
    person: PersonRef | None = Field(description="The person with the id `person_id`.")
    kind: AssessmentKind = Field(
        description="`initial` for the first assessment of the subject, `reassessment` for every later one."
    )
    previous_id: UUID | None = Field(
        description="Id of the previous approved assessment of the same subject; null for the first."
    )
    status: Annotated[str, CodeOf("decision_status")] = Field(
        description="Life-cycle status of the assessment."
    )
    risk_level: RiskLevel | None = Field(description="Overall risk level of the child's situation.")
    ratings: dict[Area, int | None] = Field(
        description="Rating of each area, from 1 (weak) to 4 (strong); null if the area is not rated."
    )
    author_id: UUID = Field(description="Id of the user who created the assessment.")
    author: StaffRef = Field(description="The user who created the assessment.")
    submitted_at: UtcDateTime | None = Field(description="Time of the last submission.")
    decided_at: UtcDateTime | None = Field(
        description="Time of the approval or return of the last submission."
    )
    created_at: UtcDateTime = Field(description="Time at which the assessment was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class AssessmentList(Page[AssessmentSummary]):
    """One page of the assessments of a case, newest first."""

"""Schemas of the comparison of an assessment with the previous approved assessment of the same subject."""

from uuid import UUID

from pydantic import Field

from app.schemas.assessments import Area, FamilyCircumstance, RiskLevel, Symptom
from app.schemas.instruments import DefinitionKey, LocalizedText, ReachedScoreBand
from app.schemas.wire import Output, UtcDateTime


class RatingChange(Output):
    """The rating of an area in both assessments."""

    before: int | None = Field(
        description="Rating in the previous assessment; null if the area was not rated."
    )
    after: int | None = Field(description="Rating in this assessment; null if the area is not rated.")
    change: int | None = Field(
        description="`after` minus `before`; null unless both assessments rate the area."
    )


class RiskLevelChange(Output):
    """Risk level in the earlier and the later assessment."""

    before: RiskLevel | None = Field(
        description="Risk level in the previous assessment; null if there is none."
    )
    after: RiskLevel | None = Field(description="Risk level in this assessment.")


class SymptomChanges(Output):
    """Symptoms that were added or removed between two assessments."""

    added: list[Symptom] = Field(description="Symptoms that only this assessment contains.")
    removed: list[Symptom] = Field(description="Symptoms that only the previous assessment contains.")


class FamilyCircumstanceChanges(Output):
    """Circumstances of the family that were added or removed between two assessments."""

    added: list[FamilyCircumstance] = Field(description="Circumstances that only this assessment contains.")
    removed: list[FamilyCircumstance] = Field(
        description="Circumstances that only the previous assessment contains."
    )


class InstrumentScore(Output):
    """The score of a questionnaire in one assessment."""

    instrument_id: UUID = Field(description="Id of the edition of the questionnaire.")
    edition: int = Field(description="Edition number of the questionnaire, starting at 1.")
    score: float | None = Field(description="Score of the answers; null if answers are missing.")
    band: ReachedScoreBand | None = Field(
        description="Band of the score; null without a score, or if the questionnaire has no bands."
    )


class InstrumentChange(Output):
    """Scores of a questionnaire in the earlier and the later assessment."""

    code: DefinitionKey = Field(description="Code of the questionnaire.")
    title: LocalizedText = Field(description="Title of the questionnaire.")
    before: InstrumentScore | None = Field(
        description="Score in the previous assessment; null if the questionnaire was not used."
    )
    after: InstrumentScore | None = Field(
        description="Score in this assessment; null if the questionnaire was not used."
    )
    change: float | None = Field(
        description="Score of this assessment minus the previous score; null if a score is missing or the scores "
        "belong to different editions of the questionnaire."
    )


class AssessmentChanges(Output):
    """The ratings, risk level and scores of an assessment and of the previous approved assessment of the same subject."""

    id: UUID = Field(description="Id of the assessment.")
    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    previous_id: UUID | None = Field(
        description="Id of the previous approved assessment of the same subject; null for the first."
    )
    previous_decided_at: UtcDateTime | None = Field(
        description="Time of the approval of the previous assessment; null if there is none."
    )
    areas: dict[Area, RatingChange] = Field(description="Rating of each area in both assessments.")
    risk_level: RiskLevelChange = Field(description="Risk level in both assessments.")
    symptoms: SymptomChanges = Field(description="Symptoms that differ between both assessments.")
    family_circumstances: FamilyCircumstanceChanges = Field(
        description="Circumstances of the family that differ between both assessments."
    )
    instruments: list[InstrumentChange] = Field(
        description="Scores of each questionnaire in both assessments, sorted by code."
    )

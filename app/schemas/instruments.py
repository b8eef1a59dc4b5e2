"""Schemas of scored questionnaires (instruments): items, scoring rules, score bands and results.

A questionnaire is data. It contains no code and no information about a child.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Output,
    Page,
    PageQuery,
    QueryBoolean,
    ShortNarrative,
    StrictBoolean,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

DefinitionKey = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
"""Code of a questionnaire, or key of an item, a band or a subscale inside its definition."""
InstrumentAnswers = dict[DefinitionKey, StrictInteger]
"""Answers to a questionnaire: the value of the selected option, by item id."""
ScoringRule = TypeAliasType("ScoringRule", Literal["sum", "mean"])
"""Computation of a score from the item values. The alias makes the enum a named component in OpenAPI."""
MAX_ITEMS = 200


def validate_two_decimal_places(score: float) -> float:
    """Return a number if it has at most two decimal places.

    Raises:
        PydanticCustomError: it has more.
    """
    if round(score, 2) != score:
        raise PydanticCustomError("too_precise", "at most two decimal places")
    return score


Score = Annotated[
    float, Field(strict=True, ge=-1_000_000, le=1_000_000), AfterValidator(validate_two_decimal_places)
]


class LocalizedText(Input):
    """A text in English and Khmer."""

    en: ShortNarrative = Field(description="English text.")
    km: ShortNarrative = Field(description="Khmer text.")


class InstrumentOption(Input):
    """One option of an item."""

    value: Annotated[StrictInteger, Field(ge=-1000, le=1000)] = Field(
        description="Value of the option in the score."
    )
    label: LocalizedText = Field(description="Label of the option.")


class InstrumentQuestion(Input):
    """An item of a questionnaire: a question or statement with its options."""

    id: DefinitionKey = Field(description="Key of the item, unique within the questionnaire.")
    text: LocalizedText = Field(description="Question or statement.")
    options: Annotated[list[InstrumentOption], Field(min_length=2, max_length=20)] = Field(
        description="Options of the item. Their values are unique."
    )
    reversed: StrictBoolean = Field(
        default=False,
        description="Whether the scale of the item is reversed: the highest value counts as the lowest, and so on.",
    )


class ScoreBand(Input):
    """A range of scores with one meaning, from its threshold to the threshold of the next band."""

    code: DefinitionKey = Field(description="Key of the band, unique within its scale.")
    at_least: Score = Field(description="Lowest score of the band.")
    label: LocalizedText = Field(description="Meaning of the scores in the band.")


class ScoringScale(Input):
    """The computation of a score from item values, and the bands of the score."""

    title: LocalizedText = Field(description="Title of the questionnaire or subscale.")
    rule: ScoringRule = Field(description="Computation of the score: the sum or the mean of the item values.")
    bands: Annotated[list[ScoreBand], Field(max_length=20)] = Field(
        default_factory=list,
        description="Bands of the score in ascending order. The first band must include the lowest possible score.",
    )


class Subscale(ScoringScale):
    """A score over some items of a questionnaire."""

    code: DefinitionKey = Field(description="Key of the subscale, unique within the questionnaire.")
    items: Annotated[list[DefinitionKey], Field(min_length=1, max_length=MAX_ITEMS)] = Field(
        description="Ids of the items in the subscale."
    )


class InstrumentDefinition(ScoringScale):
    """The definition of a questionnaire. Its own score is computed over all items."""

    instructions: LocalizedText | None = Field(
        None, description="Instructions for the person who asks the questions."
    )
    items: Annotated[list[InstrumentQuestion], Field(min_length=1, max_length=MAX_ITEMS)] = Field(
        description="Items of the questionnaire, in the order in which they are asked."
    )
    subscales: Annotated[list[Subscale], Field(max_length=20)] = Field(
        default_factory=list, description="Additional scores, each over some of the items."
    )


class InstrumentCreate(Input):
    """A new questionnaire, or the next edition of the questionnaire with the same code."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    code: DefinitionKey = Field(description="Code of the questionnaire, the same in all its editions.")
    definition: InstrumentDefinition = Field(description="Items, scoring rules and score bands.")


class InstrumentSettings(Input):
    """The editable fields of an edition. Every other change requires a new edition."""

    is_active: StrictBoolean = Field(description="Whether assessments can use the edition.")


if TYPE_CHECKING:

    class InstrumentUpdate(Input):
        """Changes to the settings of an edition."""
else:
    InstrumentUpdate = build_patch_model(InstrumentSettings, "InstrumentUpdate")


class InstrumentFilters(PageQuery):
    """Query parameters of the list of questionnaires."""

    code: DefinitionKey | None = Field(None, description="Only editions of the questionnaire with this code.")
    is_active: QueryBoolean | None = Field(
        None, description="Only active (`true`) or only retired (`false`) editions."
    )


class InstrumentSummary(Versioned):
    """An edition of a questionnaire in a list, without its definition."""

    code: str = Field(description="Code of the questionnaire, the same in all its editions.")
    edition: int = Field(description="Number of the edition of the questionnaire, starting at 1.")
    title: LocalizedText = Field(description="Title of the questionnaire.")
    is_active: bool = Field(description="Whether assessments can use the edition.")
    created_at: UtcDateTime = Field(description="Time at which the edition was created.")


class InstrumentList(Page[InstrumentSummary]):
    """One page of the editions of all questionnaires, newest first."""


class Instrument(Versioned):
    """An edition of a questionnaire with its definition."""

    collection: ClassVar[str | None] = "instruments"

    code: str = Field(description="Code of the questionnaire, the same in all its editions.")
    edition: int = Field(description="Number of the edition of the questionnaire, starting at 1.")
    definition: InstrumentDefinition = Field(description="Items, scoring rules and score bands.")
    is_active: bool = Field(description="Whether assessments can use the edition.")
    created_at: UtcDateTime = Field(description="Time at which the edition was created.")


class ReachedScoreBand(Output):
    """The band of a computed score."""

    code: DefinitionKey = Field(description="Key of the band.")
    label: LocalizedText = Field(description="Meaning of the scores in the band.")


class SubscaleResult(Output):
    """The score of a subscale."""

    code: DefinitionKey = Field(description="Key of the subscale.")
    title: LocalizedText = Field(description="Title of the subscale.")
    score: float | None = Field(description="Score of the subscale; null if answers are missing.")
    band: ReachedScoreBand | None = Field(
        description="Band of the score; null without a score, or if the subscale has no bands."
    )


class InstrumentResult(Output):
    """The answers to a questionnaire with the scores that the server computed from them."""

    instrument_id: UUID = Field(description="Id of the edition of the questionnaire.")
    edition: int = Field(description="Number of the edition of the questionnaire, starting at 1.")
    title: LocalizedText = Field(description="Title of the questionnaire.")
    answers: InstrumentAnswers = Field(description="Value of the selected option, by item id.")
    missing: list[str] = Field(description="Ids of the items without an answer.")
    score: float | None = Field(description="Score of the answers; null if answers are missing.")
    band: ReachedScoreBand | None = Field(
        description="Band of the score; null without a score, or if the questionnaire has no bands."
    )
    subscales: list[SubscaleResult] = Field(description="Scores of the subscales.")

"""Scored questionnaires on the wire: what is asked, how answers are scored, what a score means. Data, never code."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.schemas.administration import QueryBoolean
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Output,
    PageQuery,
    ShortNarrative,
    StrictBoolean,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

DefinitionKey = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
"""How a definition names its parts."""
InstrumentAnswers = dict[DefinitionKey, StrictInteger]
"""AskedItem to the value of the option that was chosen."""
MAX_ITEMS = 200


def _validate_two_decimal_places(score: float) -> float:
    if round(score, 2) != score:
        raise PydanticCustomError("too_precise", "at most two decimal places")
    return score


Score = Annotated[
    float, Field(strict=True, ge=-1_000_000, le=1_000_000), AfterValidator(_validate_two_decimal_places)
]


class LocalizedText(Input):
    """What a person reads, in both languages."""

    en: ShortNarrative
    km: ShortNarrative


class InstrumentOption(Input):
    """An answer that may be chosen."""

    value: Annotated[StrictInteger, Field(ge=-1000, le=1000)]
    label: LocalizedText


class InstrumentQuestion(Input):
    """A question or statement with its possible answers."""

    id: DefinitionKey
    text: LocalizedText
    options: Annotated[list[InstrumentOption], Field(min_length=2, max_length=20)]
    reversed: StrictBoolean = Field(
        False,
        description="Whether a high answer counts as a low one: the item's highest and lowest value change places.",
    )


class ScoreBand(Input):
    """What a score means, from a cut-off up to the next band's."""

    code: DefinitionKey
    at_least: Score = Field(description="The lowest score of the band.")
    label: LocalizedText


class ScoringScale(Input):
    """How answers become a score, and a score a band."""

    title: LocalizedText
    rule: Literal["sum", "mean"]
    bands: Annotated[list[ScoreBand], Field(max_length=20)] = Field(
        default_factory=list,
        description="What scores mean: bands without gaps, from the lowest; the first begins at or below the lowest possible score.",
    )


class Subscale(ScoringScale):
    """A score over some of the items."""

    code: DefinitionKey
    items: Annotated[list[DefinitionKey], Field(min_length=1, max_length=MAX_ITEMS)]


class InstrumentDefinition(ScoringScale):
    """A whole questionnaire; its own scale is over all items."""

    instructions: LocalizedText | None = None
    items: Annotated[list[InstrumentQuestion], Field(min_length=1, max_length=MAX_ITEMS)]
    subscales: Annotated[list[Subscale], Field(max_length=20)] = Field(default_factory=list)


class InstrumentCreate(Input):
    """A new questionnaire, or with the code of another its next edition, which takes that one's place."""

    id: ClientChosenId | None = None
    code: DefinitionKey
    definition: InstrumentDefinition


class InstrumentSettings(Input):
    """What may change of an edition; anything else is a new one."""

    is_active: StrictBoolean


if TYPE_CHECKING:

    class InstrumentUpdate(Input):
        """Changes to `InstrumentSettings`."""
else:
    InstrumentUpdate = build_patch_model(InstrumentSettings, "InstrumentUpdate")


class InstrumentFilters(PageQuery):
    """Which questionnaires to list."""

    code: DefinitionKey | None = None
    is_active: QueryBoolean | None = None


class InstrumentSummary(Versioned):
    """An edition of a questionnaire in a list."""

    code: str
    edition: int
    title: LocalizedText
    is_active: bool
    created_at: UtcDateTime


class Instrument(Versioned):
    """An edition of a questionnaire."""

    collection: ClassVar[str | None] = "instruments"

    code: str
    edition: int
    definition: InstrumentDefinition
    is_active: bool
    created_at: UtcDateTime


class ReachedScoreBand(Output):
    """What a score means."""

    code: DefinitionKey
    label: LocalizedText


class SubscaleResult(Output):
    """The score of a part."""

    code: DefinitionKey
    title: LocalizedText
    score: float | None
    band: ReachedScoreBand | None


class InstrumentResult(Output):
    """Answers to a questionnaire, scored by us; no score until all that it rests on is answered."""

    instrument_id: UUID
    edition: int
    title: LocalizedText
    answers: InstrumentAnswers
    missing: list[str] = Field(description="The items without an answer.")
    score: float | None
    band: ReachedScoreBand | None
    subscales: list[SubscaleResult]

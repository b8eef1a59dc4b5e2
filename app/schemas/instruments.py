"""Scored questionnaires on the wire: what is asked, how answers are scored, what a score means. Data, never code."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.schemas.administration import Flag
from app.schemas.merge_patch import patch_of
from app.schemas.wire import (
    Input,
    Moment,
    NewId,
    Output,
    PageQuery,
    ShortNarrative,
    Truth,
    Versioned,
    Whole,
)

Key = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$")]
"""How a definition names its parts."""
Answers = dict[Key, Whole]
"""AskedItem to the value of the option that was chosen."""
MOST_ITEMS = 200


def _two_places(score: float) -> float:
    if round(score, 2) != score:
        raise PydanticCustomError("too_precise", "at most two decimal places")
    return score


Score = Annotated[float, Field(strict=True, ge=-1_000_000, le=1_000_000), AfterValidator(_two_places)]


class Words(Input):
    """What a person reads, in both languages."""

    en: ShortNarrative
    km: ShortNarrative


class Option(Input):
    """An answer that may be chosen."""

    value: Annotated[Whole, Field(ge=-1000, le=1000)]
    label: Words


class AskedItem(Input):
    """A question or statement with its possible answers."""

    id: Key
    text: Words
    options: Annotated[list[Option], Field(min_length=2, max_length=20)]
    reversed: Truth = Field(
        False,
        description="Whether a high answer counts as a low one: the item's highest and lowest value change places.",
    )


class Band(Input):
    """What a score means, from a cut-off up to the next band's."""

    code: Key
    at_least: Score = Field(description="The lowest score of the band.")
    label: Words


class Scale(Input):
    """How answers become a score, and a score a band."""

    title: Words
    rule: Literal["sum", "mean"]
    bands: Annotated[list[Band], Field(max_length=20)] = Field(
        default_factory=list,
        description="What scores mean: bands without gaps, from the lowest; the first begins at or below the lowest possible score.",
    )


class Subscale(Scale):
    """A score over some of the items."""

    code: Key
    items: Annotated[list[Key], Field(min_length=1, max_length=MOST_ITEMS)]


class Definition(Scale):
    """A whole questionnaire; its own scale is over all items."""

    instructions: Words | None = None
    items: Annotated[list[AskedItem], Field(min_length=1, max_length=MOST_ITEMS)]
    subscales: Annotated[list[Subscale], Field(max_length=20)] = Field(default_factory=list)


class InstrumentIn(Input):
    """A new questionnaire, or with the code of another its next edition, which takes that one's place."""

    id: NewId | None = None
    code: Key
    definition: Definition


class InstrumentSettings(Input):
    """What may change of an edition; anything else is a new one."""

    is_active: Truth


if TYPE_CHECKING:

    class InstrumentPatch(Input):
        """Changes to `InstrumentSettings`."""
else:
    InstrumentPatch = patch_of(InstrumentSettings, "InstrumentPatch")


class InstrumentFilters(PageQuery):
    """Which questionnaires to list."""

    code: Key | None = None
    is_active: Flag | None = None


class InstrumentItem(Versioned):
    """An edition of a questionnaire in a list."""

    code: str
    edition: int
    title: Words
    is_active: bool
    created_at: Moment


class InstrumentOut(Versioned):
    """An edition of a questionnaire."""

    collection: ClassVar[str | None] = "instruments"

    code: str
    edition: int
    definition: Definition
    is_active: bool
    created_at: Moment


class BandReached(Output):
    """What a score means."""

    code: Key
    label: Words


class SubscaleResult(Output):
    """The score of a part."""

    code: Key
    title: Words
    score: float | None
    band: BandReached | None


class InstrumentResult(Output):
    """Answers to a questionnaire, scored by us; no score until all that it rests on is answered."""

    instrument_id: UUID
    edition: int
    title: Words
    answers: Answers
    missing: list[str] = Field(description="The items without an answer.")
    score: float | None
    band: BandReached | None
    subscales: list[SubscaleResult]

"""Who somebody is: names in two scripts, birth as far as it is known, where they live, how to reach them."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.wire import (
    Input,
    Output,
    PlaceCode,
    PlainDate,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    StrictInteger,
)

EARLIEST_BIRTH_DATE = date(1900, 1, 1)


class PersonName(Input):
    """A name in one script, family name first."""

    script: Annotated[str, CodeOf("script")]
    family: ShortText | None = None
    given: ShortText | None = None

    @model_validator(mode="after")
    def require_family_or_given_name(self) -> Self:
        """Ask for at least one part."""
        if self.family is None and self.given is None:
            raise PydanticCustomError("name_empty", "needs a family or a given name")
        return self


class Birth(Input):
    """What is known of a birth: a date and how much of it is certain, or an estimated age on a day."""

    date: PlainDate | None = None
    precision: Annotated[str, CodeOf("birth_precision")] | None = None
    estimated_age: Annotated[StrictInteger, Field(ge=0, le=120)] | None = None
    estimated_on: PlainDate | None = None

    @model_validator(mode="after")
    def validate_date_or_estimate(self) -> Self:
        """Ask for exactly one of the two forms, whole."""
        dated = (self.date is not None, self.precision is not None)
        estimated = (self.estimated_age is not None, self.estimated_on is not None)
        if not ((all(dated) and not any(estimated)) or (all(estimated) and not any(dated))):
            raise PydanticCustomError(
                "birth_form", "give either date and precision, or estimated_age and estimated_on"
            )
        known = self.date or self.estimated_on
        if known and known < EARLIEST_BIRTH_DATE:
            raise PydanticCustomError("date_too_early", "lies before 1900")
        return self


class Phone(Input):
    """A phone, whose it is, and whether calling it could put the child at risk."""

    number: Annotated[ShortText, Field(max_length=40)]
    owner: Annotated[str, CodeOf("phone_owner")] | None = None
    safe_to_call: StrictBoolean | None = None


class Disability(Input):
    """The Washington Group's short set, as far as it was asked."""

    has_difficulty: StrictBoolean
    difficulties: Annotated[
        dict[Annotated[str, CodeOf("difficulty_domain")], Annotated[str, CodeOf("difficulty_level")]],
        Field(),
    ] = Field(default_factory=dict)
    note: ShortNarrative | None = None


class School(Input):
    """Whether the child goes to school, and where it stands there."""

    status: Annotated[str, CodeOf("school_status")]
    grade: Annotated[str, CodeOf("school_grade")] | None = None
    name: ShortText | None = None


class ChildIdentity(Input):
    """What is known of a child."""

    names: Annotated[list[PersonName], Field(max_length=10)] = Field(default_factory=list)
    nickname: ShortText | None = None
    sex: Annotated[str, CodeOf("sex")] | None = None
    gender_identity: Annotated[str, CodeOf("gender_identity")] | None = None
    birth: Birth
    place_code: PlaceCode | None = None
    address_detail: ShortNarrative | None = None
    phone: Phone | None = None
    languages: Annotated[list[Annotated[str, CodeOf("language")]], Field(max_length=20)] = Field(
        default_factory=list
    )
    disability: Disability | None = None
    school: School | None = None
    idpoor: Annotated[str, CodeOf("idpoor")] | None = None

    @model_validator(mode="after")
    def require_name_or_nickname(self) -> Self:
        """Ask for a name in some form."""
        if not self.names and self.nickname is None:
            raise PydanticCustomError("name_missing", "needs a name or a nickname")
        return self


class Age(Output):
    """An age in whole years: one value when `min` equals `max`, otherwise a range."""

    min: int
    max: int
    on: date

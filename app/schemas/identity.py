"""Schemas of a person's identity: names, birth, phone, disability, school."""

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
    """The name of a person in one script. At least one of `family` and `given` is required."""

    script: Annotated[str, CodeOf("script")] = Field(description="Script in which the name is written.")
    family: ShortText | None = Field(None, description="Family name.")
    given: ShortText | None = Field(None, description="Given name.")

    @model_validator(mode="after")
    def require_family_or_given_name(self) -> Self:
        """Reject a name without any part."""
        if self.family is None and self.given is None:
            raise PydanticCustomError("name_empty", "needs a family or a given name")
        return self


class Birth(Input):
    """Birth date with its precision, or an estimated age with the day of the estimate."""

    date: PlainDate | None = Field(None, description="Birth date. Unknown parts of the date are 01.")
    precision: Annotated[str, CodeOf("birth_precision")] | None = Field(
        None,
        description="Precision of `date`: `day`, `month` (the day is unknown) or `year` (only the year is known).",
    )
    estimated_age: Annotated[StrictInteger, Field(ge=0, le=120)] | None = Field(
        None, description="Estimated age in whole years on `estimated_on`."
    )
    estimated_on: PlainDate | None = Field(None, description="Day on which the age was estimated.")

    @model_validator(mode="after")
    def validate_date_or_estimate(self) -> Self:
        """Require exactly one of the two forms, with both of its fields."""
        dated = (self.date is not None, self.precision is not None)
        estimated = (self.estimated_age is not None, self.estimated_on is not None)
        if not ((all(dated) and not any(estimated)) or (all(estimated) and not any(dated))):
            raise PydanticCustomError(
                "birth_form", "give either date and precision, or estimated_age and estimated_on"
            )
        known_date = self.date or self.estimated_on
        if known_date and known_date < EARLIEST_BIRTH_DATE:
            raise PydanticCustomError("date_too_early", "is before 1900")
        return self


class Phone(Input):
    """A phone number, its owner, and whether a call could put the child at risk."""

    number: Annotated[ShortText, Field(max_length=40)] = Field(
        description="Phone number. A Cambodian number may omit +855. A valid number is stored in E.164 format."
    )
    owner: Annotated[str, CodeOf("phone_owner")] | None = Field(None, description="Owner of the phone.")
    safe_to_call: StrictBoolean | None = Field(
        None, description="Whether a call to this number is safe for the child; null if unknown."
    )


class Disability(Input):
    """Answers to the Washington Group short set of questions on disability."""

    has_difficulty: StrictBoolean = Field(description="Whether the child has difficulty in any domain.")
    difficulties: dict[
        Annotated[str, CodeOf("difficulty_domain")], Annotated[str, CodeOf("difficulty_level")]
    ] = Field(default_factory=dict, description="Level of difficulty by domain.")
    note: ShortNarrative | None = Field(None, description="Additional information about the disability.")


class School(Input):
    """School attendance of the child."""

    status: Annotated[str, CodeOf("school_status")] = Field(
        description="Whether the child attends, has left or has completed school."
    )
    grade: Annotated[str, CodeOf("school_grade")] | None = Field(
        None, description="Current grade, or the last completed grade."
    )
    name: ShortText | None = Field(None, description="Name of the school.")


class ContactDetails(Input):
    """Names and contact details of a child, a caregiver or another person."""

    names: Annotated[list[PersonName], Field(max_length=10)] = Field(
        default_factory=list, description="Names of the person, each in one script."
    )
    phone: Phone | None = Field(None, description="Phone on which the person can be reached.")
    place_code: PlaceCode | None = Field(
        None, description="NCDD code of the place of residence: province, district, commune or village."
    )
    address_detail: ShortNarrative | None = Field(
        None, description="Details that help to find the home: house number, road, landmarks."
    )


class ChildIdentity(ContactDetails):
    """Identity of a child. At least one name or the nickname is required."""

    nickname: ShortText | None = Field(None, description="Nickname of the child.")
    sex: Annotated[str, CodeOf("sex")] | None = Field(None, description="Sex of the child.")
    gender_identity: Annotated[str, CodeOf("gender_identity")] | None = Field(
        None, description="Gender identity in the child's own view."
    )
    birth: Birth = Field(description="Birth date or estimated age.")
    languages: Annotated[list[Annotated[str, CodeOf("language")]], Field(max_length=20)] = Field(
        default_factory=list, description="Languages that the child speaks, as ISO 639 codes."
    )
    disability: Disability | None = Field(
        None, description="Answers to the Washington Group short set of questions on disability."
    )
    school: School | None = Field(None, description="School attendance.")
    idpoor: Annotated[str, CodeOf("idpoor")] | None = Field(
        None, description="Equity card of the household under the national IDPoor programme."
    )

    @model_validator(mode="after")
    def require_name_or_nickname(self) -> Self:
        """Reject a child without a name and without a nickname."""
        if not self.names and self.nickname is None:
            raise PydanticCustomError("name_missing", "needs a name or a nickname")
        return self


class Age(Output):
    """Age in whole years on a given day. `min` and `max` differ if the birth date is not known exactly."""

    min: int = Field(description="Lowest possible age in whole years.")
    max: int = Field(description="Highest possible age in whole years.")
    on: date = Field(description="Day for which the age is computed.")

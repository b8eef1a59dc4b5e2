"""Schemas of a person's identity: names, birth, phone, disability, school."""

from datetime import date
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from app.schemas.codes import CodeOf
from app.schemas.dates import WORK, LifeDate, PastDate
from app.schemas.wire import (
    Input,
    Output,
    PlaceCode,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    StrictInteger,
)
from app.text_folding import detect_script

MAX_PHONES: Final = 20
"""Maximum number of phones of a person."""


def _detect_name_script(name: dict[str, Any]) -> str:
    return detect_script(f"{name.get('family') or ''}{name.get('given') or ''}")


class PersonName(Input):
    """The name of a person in one script. At least one of `family` and `given` is required."""

    family: ShortText | None = Field(None, description="Family name.")
    given: ShortText | None = Field(None, description="Given name.")
    script: Annotated[str, CodeOf("script")] = Field(
        default_factory=_detect_name_script,
        description="Script in which the name is written. By default, it is detected from the letters.",
    )

    @model_validator(mode="after")
    def require_family_or_given_name(self) -> Self:
        """Reject a name without any part."""
        if self.family is None and self.given is None:
            raise PydanticCustomError("name_empty", "needs a family or a given name")
        return self


class Birth(Input):
    """Birth date with its precision, or an estimated age or range of ages with the day of the estimate."""

    ALTERNATIVE_FIELDS: ClassVar = (
        ("date", "precision"),
        ("estimated_age", "estimated_on"),
        ("estimated_age_min", "estimated_age_max", "estimated_on"),
    )

    date: LifeDate | None = Field(None, description="Birth date. Unknown parts of the date are 01.")
    precision: Annotated[str, CodeOf("birth_precision")] | None = Field(
        None,
        description="Precision of `date`: `day`, `month` (the day is unknown) or `year` (only the year is known).",
    )
    estimated_age: Annotated[StrictInteger, Field(ge=0, le=120)] | None = Field(
        None, description="Estimated age in whole years on `estimated_on`."
    )
    estimated_age_min: Annotated[StrictInteger, Field(ge=0, le=120)] | None = Field(
        None, description="Lowest age of an estimated range, in whole years on `estimated_on`."
    )
    estimated_age_max: Annotated[StrictInteger, Field(ge=0, le=120)] | None = Field(
        None, description="Highest age of an estimated range, in whole years on `estimated_on`."
    )
    estimated_on: PastDate | None = Field(
        None, description="Day on which the age was estimated. By default, the day of the request."
    )

    @model_validator(mode="after")
    def validate_date_or_estimate(self) -> Self:
        """Require exactly one of the three forms, with all of its fields, and set the day of an estimate."""
        dated = (self.date is not None, self.precision is not None)
        ages = (self.estimated_age_min, self.estimated_age_max)
        has_range = None not in ages
        estimated = (self.estimated_age is not None) != has_range and (has_range or ages == (None, None))
        has_estimate = self.estimated_on is not None or self.estimated_age is not None or ages != (None, None)
        if not ((all(dated) and not has_estimate) or (estimated and not any(dated))):
            raise PydanticCustomError("birth_form", "give a date or an estimate")
        if has_range and self.estimated_age_min > self.estimated_age_max:  # type: ignore[operator]  # both are given
            raise PydanticCustomError("ages_reversed", "the lowest age is above the highest")
        if estimated and self.estimated_on is None:
            self.estimated_on = WORK.get_latest()
        return self


class Phone(Input):
    """A phone number, its owner, and whether a call could put the child at risk."""

    number: ShortText = Field(
        description="Phone number. A Cambodian number may omit +855. A certainly valid number is stored in E.164 format, "
        "any other text as it was typed, with a warning."
    )
    owner: Annotated[str, CodeOf("phone_owner")] | None = Field(None, description="Owner of the phone.")
    note: ShortText | None = Field(
        None,
        description="Note about the owner of the phone and the time to call. Words around the number become the note.",
    )
    safe_to_call: StrictBoolean | None = Field(
        None, description="Whether a call to this number is safe for the child; null if unknown."
    )
    e164: Annotated[ShortText, Field(max_length=20)] | None = Field(
        None,
        description="The number in E.164 format; null if it is not certainly valid. Only this value is compared, searched "
        "and dialled. The server sets it, and ignores a value in a request.",
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
    phone: Phone | None = Field(
        None,
        description="The first of `phones`. In a request, it becomes the first one unless `phones` contains its number.",
    )
    phones: Annotated[list[Phone], Field(max_length=MAX_PHONES)] = Field(
        default_factory=list,
        description="Phones on which the person can be reached, the preferred one first.",
    )
    place_code: PlaceCode | None = Field(
        None, description="NCDD code of the place of residence: province, district, commune or village."
    )
    address_detail: ShortNarrative | None = Field(
        None, description="Details that help to find the home: house number, road, landmarks."
    )
    _sent_phone_first: bool = PrivateAttr(default=False)

    @field_validator("phones", mode="before")
    @classmethod
    def count_first_phone(cls, phones: Any, info: ValidationInfo) -> Any:
        """Reject a list that is too long with `phone` as its first item."""
        phone: Phone | None = info.data.get("phone")
        if phone is None or not isinstance(phones, list) or len(phones) < MAX_PHONES:
            return phones
        numbers = [item.get("number") if isinstance(item, dict) else item for item in phones[:MAX_PHONES]]
        if phone.number in numbers:
            return phones
        limits = {"field_type": "List", "max_length": MAX_PHONES - 1, "actual_length": len(phones)}
        raise PydanticKnownError("too_long", limits)

    @model_validator(mode="after")
    def merge_phones(self) -> Self:
        """Make `phone` the first of `phones`."""
        if self.phone and all(phone.number != self.phone.number for phone in self.phones):
            self.phones = [self.phone, *self.phones]
            self._sent_phone_first = True
        self.phone = self.phones[0] if self.phones else None
        return self

    def list_phone_pointers(self) -> list[str]:
        """Return the JSON pointer of each phone in the request, relative to the person."""
        pointers = [f"/phones/{index}" for index in range(len(self.phones))]
        return ["/phone", *pointers[:-1]] if self._sent_phone_first else pointers


class ChildIdentity(ContactDetails):
    """Identity of a child. At least one name or the nickname is required."""

    nickname: ShortText | None = Field(None, description="Nickname of the child.")
    sex: Annotated[str, CodeOf("sex")] | None = Field(None, description="Sex of the child.")
    gender_identity: Annotated[str, CodeOf("gender_identity")] | None = Field(
        None, description="Gender identity in the child's own view."
    )
    birth: Birth | None = Field(None, description="Birth date or estimated age; null if unknown.")
    languages: Annotated[list[Annotated[str, CodeOf("language")]], Field(max_length=20)] = Field(
        default_factory=list, description="Languages that the child speaks, as ISO 639 codes."
    )
    disability: Disability | None = Field(
        None, description="Answers to the Washington Group short set of questions on disability."
    )
    school: School | None = Field(None, description="School attendance.")
    living_arrangement: Annotated[str, CodeOf("living_arrangement")] | None = Field(
        None, description="With whom, or in which place, the child lives."
    )
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

"""Types of encrypted content that several tables share. Dates, times and ids are strings, as in JSON."""

from typing import NotRequired, TypedDict


class StoredPersonName(TypedDict):
    """A name in one script, family name first."""

    script: str
    family: str | None
    given: str | None


class StoredBirth(TypedDict):
    """A birth date and its precision, or an estimated age or range of ages on a day."""

    date: str | None
    precision: str | None
    estimated_age: int | None
    estimated_age_min: int | None
    estimated_age_max: int | None
    estimated_on: str | None


class StoredPhone(TypedDict):
    """A phone number, its owner, a note, and whether calling it is safe for the child."""

    number: str
    """The E.164 form, or the text as it was typed."""
    owner: str | None
    note: str | None
    safe_to_call: bool | None
    e164: str | None
    """The E.164 form of a certainly valid number. Only this value is compared and dialled."""


class StoredDisability(TypedDict):
    """Answers to the Washington Group short set."""

    has_difficulty: bool
    difficulties: dict[str, str]
    note: str | None


class StoredSchool(TypedDict):
    """School attendance of a child."""

    status: str
    grade: str | None
    name: str | None


class StoredChildIdentity(TypedDict):
    """Identity of a child. The sex is a separate column, because reports count by it."""

    names: list[StoredPersonName]
    nickname: str | None
    gender_identity: str | None
    birth: StoredBirth | None
    place_code: str | None
    address_detail: str | None
    phones: list[StoredPhone]
    languages: list[str]
    disability: StoredDisability | None
    school: StoredSchool | None
    living_arrangement: NotRequired[str | None]
    idpoor: str | None


class StoredBasisWithoutConsent(TypedDict):
    """The legal basis for acting without consent, and the person who decided."""

    basis: str
    decided_by: str
    on: str
    child_told: bool | None
    reason: str


class StoredConditionAnswer(TypedDict):
    """Whether an exit condition is met."""

    met: bool
    note: str | None

"""People around a child, and the consent register, on the wire."""

from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Birth, PersonName, Phone
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Page,
    PlaceCode,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)


class PersonContent(Input):
    """Somebody around the child."""

    role: Annotated[str, CodeOf("person_role")]
    names: Annotated[list[PersonName], Field(max_length=10)] = Field(
        default_factory=list,
        description="The names, each in one script, family name first. Empty only if a referral named no caregiver.",
    )
    nickname: ShortText | None = None
    relationship: Annotated[str, CodeOf("relationship")]
    is_responsible: StrictBoolean = False
    sex: Annotated[str, CodeOf("sex")] | None = None
    birth: Birth | None = None
    phone: Phone | None = None
    place_code: PlaceCode | None = None
    address_detail: ShortNarrative | None = None
    note: ShortNarrative | None = None


class PersonCreate(PersonContent):
    """Somebody around the child; the client may choose the id."""

    id: ClientChosenId | None = None
    names: Annotated[list[PersonName], Field(min_length=1, max_length=10)]


if TYPE_CHECKING:

    class PersonUpdate(Input):
        """Changes to a person."""
else:
    PersonUpdate = build_patch_model(PersonContent, "PersonUpdate")


class Person(Versioned):
    """Somebody around the child."""

    collection: ClassVar[str | None] = "people"

    child_id: UUID
    case_id: UUID
    role: Annotated[str, CodeOf("person_role")]
    names: list[PersonName]
    nickname: str | None
    relationship: str
    is_responsible: bool
    sex: str | None
    birth: Birth | None
    phone: Phone | None
    place_code: str | None
    address_detail: str | None
    note: str | None
    created_at: UtcDateTime


class PersonList(Page[Person]):
    """One page of the people around a child."""

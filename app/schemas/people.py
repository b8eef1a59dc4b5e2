"""Schemas of the people around a child: supporter, family members, others."""

from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.identity import Birth, ContactDetails, PersonName, Phone
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PlaceRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Page,
    PageQuery,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)


class PersonContent(ContactDetails):
    """Editable fields of a person around a child."""

    role: Annotated[str, CodeOf("person_role")] = Field(
        description="Role of the person: `supporter`, `family` or `other`."
    )
    names: Annotated[list[PersonName], Field(max_length=10)] = Field(
        default_factory=list,
        description="Names of the person, each in one script. Empty only if a referral did not name the caregiver.",
    )
    nickname: ShortText | None = Field(None, description="Nickname of the person.")
    relationship: Annotated[str, CodeOf("relationship")] = Field(
        description="Relationship of the person to the child."
    )
    is_responsible: StrictBoolean = Field(
        default=False, description="Whether this family member is responsible for the child."
    )
    sex: Annotated[str, CodeOf("sex")] | None = Field(None, description="Sex of the person.")
    birth: Birth | None = Field(None, description="Birth date or estimated age.")
    note: ShortNarrative | None = Field(None, description="Additional information about the person.")


class PersonCreate(PersonContent):
    """A new person around the child. The client may choose the id."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    names: Annotated[list[PersonName], Field(min_length=1, max_length=10)] = Field(
        description="Names of the person, each in one script."
    )


if TYPE_CHECKING:

    class PersonUpdate(Input):
        """Changes to a person."""
else:
    PersonUpdate = build_patch_model(PersonContent, "PersonUpdate")


class Person(Versioned, Correctable):
    """A person around a child: supporter, family member or other."""

    collection: ClassVar[str | None] = "people"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case in which the person was recorded.")
    role: Annotated[str, CodeOf("person_role")] = Field(
        description="Role of the person: `supporter`, `family` or `other`."
    )
    names: list[PersonName] = Field(
        description="Names of the person, each in one script. Empty if a referral did not name the caregiver."
    )
    nickname: str | None = Field(description="Nickname of the person.")
    relationship: Annotated[str, CodeOf("relationship")] = Field(
        description="Relationship of the person to the child."
    )
    is_responsible: bool = Field(description="Whether this family member is responsible for the child.")
    referral_to_confirm_id: UUID | None = Field(
        description="Id of the referral that joined the case and added this person, or names and phones to it; null once "
        "staff confirmed them (`confirm`)."
    )
    sex: Annotated[str, CodeOf("sex")] | None = Field(description="Sex of the person.")
    birth: Birth | None = Field(description="Birth date or estimated age.")
    phone: Phone | None = Field(description="The first of `phones`.")
    phones: list[Phone] = Field(
        description="Phones on which the person can be reached, the preferred one first."
    )
    place_code: str | None = Field(
        description="NCDD code of the place of residence: province, district, commune or village."
    )
    place: PlaceRef | None = Field(description="The place of residence.")
    address_detail: str | None = Field(
        description="Details that help to find the home: house number, road, landmarks."
    )
    note: str | None = Field(description="Additional information about the person.")
    warnings: list[InputWarning] = Field(description="Fields that are kept although they look wrong.")
    created_at: UtcDateTime = Field(description="Time at which the person was recorded.")


class PersonFilters(PageQuery, CorrectableFilters):
    """Query parameters of the list of people."""


class PersonList(Page[Person]):
    """One page of the people around a child, newest first."""

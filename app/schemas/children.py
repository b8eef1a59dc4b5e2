"""Schemas of children. The fields of their identity are in `identity`."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Age, Birth, ChildIdentity, Disability, PersonName, Phone, School
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PlaceRef
from app.schemas.wire import CountedPage, CountedPageQuery, Input, Versioned


class ChildFilters(CountedPageQuery):
    """Query parameters of the list of children."""

    q: Annotated[
        str | None,
        Field(
            min_length=2,
            max_length=100,
            description="Only children with a name or nickname that matches this text, in either script, or with this "
            "phone number of the child, a supporter or a family member. Spelling differences are tolerated. The best match comes first.",
        ),
    ] = None


if TYPE_CHECKING:

    class ChildUpdate(Input):
        """Changes to the identity of a child."""
else:
    ChildUpdate = build_patch_model(ChildIdentity, "ChildUpdate")


class Child(Versioned):
    """A child that First Step supports, with the current identity."""

    names: list[PersonName] = Field(description="Names of the child, each in one script.")
    nickname: str | None = Field(description="Nickname of the child.")
    sex: Annotated[str, CodeOf("sex")] = Field(description="Sex of the child; `unknown` if not recorded.")
    gender_identity: Annotated[str, CodeOf("gender_identity")] | None = Field(
        description="Gender identity in the child's own view."
    )
    birth: Birth = Field(description="Birth date or estimated age.")
    age: Age = Field(description="Age today, as a range if the birth date is not known exactly.")
    place_code: str | None = Field(
        description="NCDD code of the place of residence: province, district, commune or village."
    )
    place: PlaceRef | None = Field(
        description="The place of residence; null if it is not recorded or the gazetteer does not contain its code."
    )
    address_detail: str | None = Field(
        description="Details that help to find the home: house number, road, landmarks."
    )
    phone: Phone | None = Field(description="Phone on which the child can be reached.")
    languages: list[Annotated[str, CodeOf("language")]] = Field(
        description="Languages that the child speaks, as ISO 639 codes."
    )
    disability: Disability | None = Field(
        description="Answers to the Washington Group short set of questions on disability."
    )
    school: School | None = Field(description="School attendance.")
    idpoor: Annotated[str, CodeOf("idpoor")] | None = Field(
        description="Equity card of the household under the national IDPoor programme."
    )
    case_ids: list[UUID] = Field(
        description="Ids of the child's cases that the caller can see, newest first."
    )


class ChildList(CountedPage[Child]):
    """One page of children, newest first, or the best match first for a search."""

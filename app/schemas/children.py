"""Children on the wire."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.identity import Age, Birth, ChildIdentity, Disability, PersonName, Phone, School
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import Input, Page, PageQuery, Versioned


class ChildFilters(PageQuery):
    """Which children to list."""

    q: Annotated[
        str | None,
        Field(min_length=2, max_length=100, description="Part of a name or nickname, in either script."),
    ] = None


if TYPE_CHECKING:

    class ChildUpdate(Input):
        """Changes to a child."""
else:
    ChildUpdate = build_patch_model(ChildIdentity, "ChildUpdate")


class Child(Versioned):
    """A child."""

    names: list[PersonName]
    nickname: str | None
    sex: str
    gender_identity: str | None
    birth: Birth
    age: Age
    place_code: str | None
    address_detail: str | None
    phone: Phone | None
    languages: list[str]
    disability: Disability | None
    school: School | None
    idpoor: str | None
    case_ids: list[UUID] = Field(description="The child's cases that the reader may see, newest first.")


class ChildList(Page[Child]):
    """One page of children, newest first."""

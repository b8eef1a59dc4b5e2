"""Schemas of the grants of donors, to which cases and funds are attributed. They contain no data about children."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Output,
    Page,
    PageQuery,
    QueryBoolean,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

GrantCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$")]
"""Code of a grant, such as EF-2026-01: up to 40 letters, digits, dots, hyphens, underscores and slashes."""
DonorGrantSort = TypeAliasType("DonorGrantSort", Literal["code", "-code", "created_at", "-created_at"])
"""Order of the list of grants."""


class DonorGrantSettings(Input):
    """The editable fields of a grant."""

    name: ShortText = Field(description="Name of the grant, as people know it.")
    donor: ShortText = Field(description="Name of the donor.")
    is_active: StrictBoolean = Field(
        default=True, description="Whether cases and funds can be attributed to the grant."
    )


class DonorGrantCreate(DonorGrantSettings):
    """A new grant."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    code: GrantCode = Field(
        description="Code of the grant in the donor's system. It must be unique and cannot be changed."
    )


if TYPE_CHECKING:

    class DonorGrantUpdate(Input):
        """Changes to a grant."""
else:
    DonorGrantUpdate = build_patch_model(DonorGrantSettings, "DonorGrantUpdate")


class DonorGrantFilters(PageQuery):
    """Query parameters of the list of grants."""

    is_active: QueryBoolean | None = Field(
        None, description="Only active (`true`) or only inactive (`false`) grants."
    )
    sort: DonorGrantSort = Field(
        "-created_at", description="Order of the list; a minus sign means descending."
    )


class DonorGrant(Versioned):
    """A grant of a donor."""

    collection: ClassVar[str | None] = "donor-grants"

    code: str = Field(description="Code of the grant in the donor's system.")
    name: str = Field(description="Name of the grant, as people know it.")
    donor: str = Field(description="Name of the donor.")
    is_active: bool = Field(description="Whether cases and funds can be attributed to the grant.")
    created_at: UtcDateTime = Field(description="Time at which the grant was added.")


class DonorGrantList(Page[DonorGrant]):
    """One page of grants."""


class DonorGrantRef(Output):
    """A grant, by code and names."""

    code: str = Field(description="Code of the grant.")
    name: str = Field(description="Name of the grant.")
    donor: str = Field(description="Name of the donor.")

"""Schemas of cases of siblings."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import Id, Input, Page, PageQuery, ShortNarrative, UtcDateTime, Versioned


class CaseSiblingCreate(Input):
    """The case of a sibling of this case's child, or of another child of the household."""

    sibling_case_id: Id = Field(description="Id of the sibling's case, which must belong to another child.")
    note: ShortNarrative | None = Field(None, description="Note, for example how the children are related.")


class CaseSibling(Versioned, Correctable):
    """Two cases of siblings, or of children of one household. It creates no conflict wall."""

    collection: ClassVar[str | None] = None

    case_id: UUID = Field(description="Id of the case with the lower id.")
    case: CaseRef = Field(description="The case with the lower id.")
    child_id: UUID = Field(description="Id of the child of `case_id`.")
    sibling_case_id: UUID = Field(description="Id of the case with the higher id.")
    sibling_case: CaseRef = Field(description="The case with the higher id.")
    sibling_child_id: UUID = Field(description="Id of the child of `sibling_case_id`.")
    note: str | None = Field(description="Note, for example how the children are related.")
    named_by_id: UUID = Field(description="Id of the user who recorded the siblings.")
    named_by: StaffRef = Field(description="The user who recorded the siblings.")
    named_at: UtcDateTime = Field(description="Time at which the siblings were recorded.")


class CaseSiblingFilters(PageQuery, CorrectableFilters):
    """Query parameters of the list of cases of siblings."""


class CaseSiblingList(Page[CaseSibling]):
    """One page of cases of siblings, newest first."""

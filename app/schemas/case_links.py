"""Schemas of links between the cases of two children."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import Id, Input, Page, PageQuery, ShortNarrative, UtcDateTime, Versioned


class CaseLinkCreate(Input):
    """A case to link with this one, with the reason."""

    linked_case_id: Id = Field(description="Id of the other case, which must belong to another child.")
    reason: ShortNarrative = Field(description="Reason for the link.")


class CaseLink(Versioned, Correctable):
    """A link between the cases of two children, which creates a conflict wall between their workers."""

    collection: ClassVar[str | None] = None

    case_id: UUID = Field(description="Id of the case with the lower id.")
    case: CaseRef = Field(description="The case with the lower id.")
    child_id: UUID = Field(description="Id of the child of `case_id`.")
    linked_case_id: UUID = Field(description="Id of the case with the higher id.")
    linked_case: CaseRef = Field(description="The case with the higher id.")
    linked_child_id: UUID = Field(description="Id of the child of `linked_case_id`.")
    reason: str = Field(description="Reason for the link.")
    linked_by_id: UUID = Field(description="Id of the user who created the link.")
    linked_by: StaffRef = Field(description="The user who created the link.")
    linked_at: UtcDateTime = Field(description="Time at which the link was created.")


class CaseLinkFilters(PageQuery, CorrectableFilters):
    """Query parameters of the list of links."""


class CaseLinkList(Page[CaseLink]):
    """One page of links between cases, newest first."""

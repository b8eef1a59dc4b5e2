"""Schemas of links between the cases of two children."""

from uuid import UUID

from pydantic import Field

from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import Id, Input, Output, Page, ShortNarrative, UtcDateTime


class CaseLinkCreate(Input):
    """A case to link with this one, with the reason."""

    linked_case_id: Id = Field(description="Id of the other case, which must belong to another child.")
    reason: ShortNarrative = Field(description="Reason for the link.")


class CaseLink(Output):
    """A link between the cases of two children, which creates a conflict wall between their workers."""

    id: UUID = Field(description="Id of the link.")
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


class CaseLinkList(Page[CaseLink]):
    """One page of links between cases, newest first."""

"""Schemas of clinical notes on support sessions, and of addenda to support sessions."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.references import StaffRef
from app.schemas.wire import ClientChosenId, Input, Narrative, Output, Page, UtcDateTime, Versioned

AddendumTier = TypeAliasType("AddendumTier", Literal["case", "clinical"])
"""Tier of an addendum to a support session."""


class ClinicalNoteUpdate(Input):
    """The text of a clinical note. Only its author and the supervisors of the case's team can read it."""

    text: Narrative = Field(description="Text of the note.")


class ClinicalNote(Versioned):
    """The clinical note on a support session."""

    session_id: UUID = Field(description="Id of the support session.")
    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    author_id: UUID = Field(description="Id of the staff member who wrote the note.")
    author: StaffRef = Field(description="The staff member who wrote the note.")
    text: str = Field(description="Text of the note.")
    editable_until: UtcDateTime = Field(
        description="End of the 24 hours in which the author can change the note. Later, add a clinical addendum."
    )
    created_at: UtcDateTime = Field(description="Time at which the note was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class SupportSessionAddendumCreate(Input):
    """A new addendum to a support session."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    text: Narrative = Field(description="Text of the addendum.")
    tier: AddendumTier = Field(
        "case",
        description="Tier, which decides who can read the addendum. `case`: all readers of the case. `clinical`: the "
        "author and the "
        "supervisors of the case's team.",
    )


class SupportSessionAddendum(Output):
    """A text that is added to a support session after it was recorded."""

    id: UUID = Field(description="Id of the addendum.")
    session_id: UUID = Field(description="Id of the support session.")
    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    author_id: UUID = Field(description="Id of the staff member who added the text.")
    author: StaffRef = Field(description="The staff member who added the text.")
    tier: Annotated[str, CodeOf("tier")] = Field(
        description="Tier, which decides who can read the addendum. `case`: all readers of the case. `clinical`: the "
        "author and the "
        "supervisors of the case's team."
    )
    text: str = Field(description="Text of the addendum.")
    created_at: UtcDateTime = Field(description="Time at which the addendum was created.")


class SupportSessionAddendumList(Page[SupportSessionAddendum]):
    """One page of addenda to a support session."""

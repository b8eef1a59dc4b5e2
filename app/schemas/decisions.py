"""What is said in deciding on something that was submitted."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.wire import Input, Moment, ShortNarrative, Versioned


class Approval(Input):
    """What the supervisor wants to say with it."""

    comment: ShortNarrative | None = None


class Returning(Input):
    """What is still to be done."""

    comment: ShortNarrative


class DecidedOut(Versioned):
    """A record that its author submits and somebody else decides on."""

    child_id: UUID
    case_id: UUID
    status: Annotated[str, CodeOf("decision_status")]
    author_id: UUID
    submitted_at: Moment | None
    submitted_by_id: UUID | None
    decided_at: Moment | None
    decided_by_id: UUID | None
    decision_comment: str | None = Field(description="What the supervisor said in approving or returning it.")
    created_at: Moment
    updated_at: Moment

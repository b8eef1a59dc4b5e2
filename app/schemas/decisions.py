"""What is said in deciding on something that was submitted."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.wire import Input, ShortNarrative, UtcDateTime, Versioned


class Approval(Input):
    """What the supervisor wants to say with it."""

    comment: ShortNarrative | None = None


class Return(Input):
    """What is still to be done."""

    comment: ShortNarrative


class ApprovableRecord(Versioned):
    """A record that its author submits and somebody else decides on."""

    child_id: UUID
    case_id: UUID
    status: Annotated[str, CodeOf("decision_status")]
    author_id: UUID
    submitted_at: UtcDateTime | None
    submitted_by_id: UUID | None
    decided_at: UtcDateTime | None
    decided_by_id: UUID | None
    decision_comment: str | None = Field(description="What the supervisor said in approving or returning it.")
    created_at: UtcDateTime
    updated_at: UtcDateTime

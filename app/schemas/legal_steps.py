"""Incidents and legal steps on the wire."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Input,
    Narrative,
    PageQuery,
    PlainDate,
    ShortText,
    UtcDateTime,
    Versioned,
)


class LegalStepContent(Input):
    """A dated entry of the legal area: what happened, or is to."""

    kind: Annotated[str, CodeOf("legal_step_kind")]
    status: Annotated[str, CodeOf("legal_step_status")] = "done"
    on: PlainDate
    place: ShortText | None = None
    authority: Annotated[str, CodeOf("authority")] | None = None
    file_number: ShortText | None = None
    support_person: ShortText | None = None
    description: Narrative | None = None
    result: Narrative | None = None


class LegalStepCreate(LegalStepContent):
    """A dated entry of the legal area; the client may choose the id."""

    id: ClientChosenId | None = None


if TYPE_CHECKING:

    class LegalStepUpdate(Input):
        """Changes to a legal step."""
else:
    LegalStepUpdate = build_patch_model(LegalStepContent, "LegalStepUpdate")


class LegalStepFilters(PageQuery):
    """Which entries to list."""

    kind: Annotated[str, CodeOf("legal_step_kind")] | None = None
    status: Annotated[str, CodeOf("legal_step_status")] | None = None


class LegalStep(Versioned):
    """A dated entry of the legal area."""

    collection: ClassVar[str | None] = "legal-steps"

    child_id: UUID
    case_id: UUID
    kind: Annotated[str, CodeOf("legal_step_kind")]
    status: Annotated[str, CodeOf("legal_step_status")]
    on: date
    place: str | None
    authority: str | None
    file_number: str | None
    support_person: str | None
    description: str | None
    result: str | None
    author_id: UUID
    created_at: UtcDateTime
    updated_at: UtcDateTime

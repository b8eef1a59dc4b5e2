"""Cases on the wire."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Age, PersonName
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    Id,
    Input,
    Narrative,
    Output,
    PageQuery,
    Reason,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)


class CaseContent(Input):
    """What a PATCH of a case may change; its status moves only by acts."""

    kind: Annotated[str, CodeOf("case_kind")]
    summary: Narrative | None = None


if TYPE_CHECKING:

    class CaseUpdate(Input):
        """Changes to a case."""
else:
    CaseUpdate = build_patch_model(CaseContent, "CaseUpdate")


class CaseAssignment(Input):
    """Who works on a case."""

    lead_worker_id: Id
    co_worker_ids: Annotated[list[Id], Field(max_length=10)] | None = Field(
        None, description="Who else works on it; left out, they go on as they are."
    )


class CaseTransfer(Input):
    """To which team a case goes, to whom there, and why."""

    team_id: Id
    lead_worker_id: Id
    reason: ShortNarrative


class BreakGlassRequest(Input):
    """Why a case outside one's scope has to be opened now."""

    reason: Reason


class CaseLinkCreate(Input):
    """Which case belongs together with this one, and why: the wall between their workers stands from then on."""

    linked_case_id: Id
    reason: ShortNarrative


class CaseFilters(PageQuery):
    """Which cases to list."""

    status: Annotated[str, CodeOf("case_status")] | None = None
    kind: Annotated[str, CodeOf("case_kind")] | None = None
    team_id: Id | None = None
    lead_worker_id: Id | None = None
    child_id: Id | None = None
    number: Annotated[str, Field(max_length=20)] | None = None


class CaseChild(Output):
    """The child of a case, as far as a list needs it."""

    id: UUID
    names: list[PersonName]
    nickname: str | None
    sex: str
    age: Age


class Case(Versioned):
    """A case."""

    collection: ClassVar[str | None] = "cases"

    number: str
    child_id: UUID
    child: CaseChild
    kind: Annotated[str, CodeOf("case_kind")]
    status: Annotated[str, CodeOf("case_status")]
    team_id: UUID
    lead_worker_id: UUID
    co_worker_ids: list[UUID]
    referral_id: UUID | None
    previous_case_id: UUID | None
    opened_on: date
    closed_on: date | None
    next_review_on: date | None
    extended_until: date | None
    close_reason: Annotated[str, CodeOf("closure_reason")] | None
    age_at_referral_min: int
    age_at_referral_max: int
    province_code: str | None
    summary: str | None
    outcome: str | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class CaseSummary(Versioned):
    """A case in a list."""

    number: str
    child_id: UUID
    child: CaseChild
    kind: Annotated[str, CodeOf("case_kind")]
    status: Annotated[str, CodeOf("case_status")]
    team_id: UUID
    lead_worker_id: UUID
    opened_on: date
    closed_on: date | None
    next_review_on: date | None
    province_code: str | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class BreakGlassGrant(Output):
    """A case opened outside its scope: by whom, why, until when."""

    id: UUID
    case_id: UUID
    child_id: UUID | None
    user_id: UUID
    reason: str
    opened_at: UtcDateTime
    expires_at: UtcDateTime


class CaseLink(Output):
    """Two cases that belong together."""

    id: UUID
    case_id: UUID
    child_id: UUID
    linked_case_id: UUID
    linked_child_id: UUID
    reason: str
    linked_by_id: UUID
    linked_at: UtcDateTime

"""Schemas of break-glass grants: emergency read access to one case."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.dates import FilterTime
from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Output,
    Reason,
    UtcDateTime,
)


class BreakGlassRequest(Input):
    """Reason for emergency read access to a case."""

    reason: Reason = Field(
        description="Reason why the case must be read now. The caller's supervisor, the supervisors of the case's "
        "team and the data protection officer can read it."
    )


class BreakGlassFilters(CountedPageQuery):
    """Query parameters of the list of break-glass grants."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    case_id: Id | None = Field(None, description="Only grants for this case.")
    user_id: CommaSeparated[Id] | None = Field(None, description="Only grants of these users.")
    since: Annotated[
        FilterTime | None, Field(alias="from", description="Only grants that began at or after this time.")
    ] = None
    until: Annotated[
        FilterTime | None, Field(alias="to", description="Only grants that began before this time.")
    ] = None


class BreakGlassGrant(Output):
    """Emergency read access of one user to one case, for four hours."""

    id: UUID = Field(description="Id of the grant.")
    case_id: UUID = Field(description="Id of the case.")
    case: CaseRef | None = Field(description="The case; null if the caller cannot see it.")
    child_id: UUID | None = Field(description="Id of the child.")
    user_id: UUID = Field(description="Id of the user who has the access.")
    user: StaffRef = Field(description="The user who has the access.")
    reason: str = Field(description="Reason that the user gave.")
    opened_at: UtcDateTime = Field(description="Time at which the access began.")
    expires_at: UtcDateTime = Field(description="Time at which the access ends.")


class BreakGlassGrantList(CountedPage[BreakGlassGrant]):
    """One page of break-glass grants, newest first."""

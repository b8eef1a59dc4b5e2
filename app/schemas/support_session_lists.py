"""Schemas of the lists of support sessions: of one case, and of all cases."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.corrections import CorrectableFilters
from app.schemas.dates import FilterTime
from app.schemas.references import CaseRef
from app.schemas.support_sessions import SessionTopic, SupportSession, SupportSessionFields
from app.schemas.wire import CommaSeparated, CountedPage, CountedPageQuery, Id

CaseSupportSessionSort = TypeAliasType(
    "CaseSupportSessionSort", Literal["created_at", "-created_at", "at", "-at"]
)
"""Order of the support sessions of a case."""
SupportSessionSort = TypeAliasType("SupportSessionSort", Literal["at", "-at"])
"""Order of the support sessions of all cases."""


class CaseSupportSessionFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of support sessions of a case."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    worker_id: CommaSeparated[Id] | None = Field(
        None, description="Only sessions that one of these staff members holds or held."
    )
    status: CommaSeparated[Annotated[str, CodeOf("session_status")]] | None = Field(
        None, description="Only sessions with one of these statuses."
    )
    kind: CommaSeparated[Annotated[str, CodeOf("session_kind")]] | None = Field(
        None, description="Only sessions of these kinds."
    )
    form: CommaSeparated[Annotated[str, CodeOf("session_form")]] | None = Field(
        None, description="Only therapy sessions of these forms."
    )
    area: CommaSeparated[Annotated[str, CodeOf("area")]] | None = Field(
        None, description="Only sessions that work on one of these areas."
    )
    topic: CommaSeparated[SessionTopic] | None = Field(
        None, description="Only sessions about one of these topics."
    )
    series_id: Id | None = Field(None, description="Only sessions of this series.")
    since: Annotated[
        FilterTime | None,
        Field(alias="from", description="Only sessions whose `at` is at or after this time."),
    ] = None
    until: Annotated[
        FilterTime | None, Field(alias="to", description="Only sessions whose `at` is before this time.")
    ] = None
    sort: CaseSupportSessionSort = Field("-created_at", description="Order of the list.")


class SupportSessionFilters(CaseSupportSessionFilters):
    """Query parameters of the list of support sessions of all cases."""

    case_id: Id | None = Field(None, description="Only sessions of this case.")
    team_id: CommaSeparated[Id] | None = Field(None, description="Only sessions of cases of these teams.")
    sort: SupportSessionSort = Field("-at", description="Order of the list.")


class SupportSessionSummary(SupportSessionFields):
    """A support session in the list of all cases, without the content of the session."""

    child: CaseChild = Field(description="The child.")
    case: CaseRef = Field(description="The case.")


class SupportSessionList(CountedPage[SupportSession]):
    """One page of support sessions."""


class SupportSessionSummaryList(CountedPage[SupportSessionSummary]):
    """One page of the support sessions of all cases."""

"""The access log on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.codes import CodeOf
from app.schemas.wire import Id, Output, PageQuery, UtcDateTime


class AccessEntryFilters(PageQuery):
    """Which accesses to list."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    child_id: Id | None = None
    case_id: Id | None = None
    actor_id: Id | None = None
    act: Annotated[str, Field(max_length=100)] | None = None
    outcome: Annotated[str, CodeOf("access_outcome")] | None = None
    request_id: Annotated[str, Field(max_length=64)] | None = None
    since: Annotated[UtcDateTime | None, Field(alias="from", description="From this moment on.")] = None
    until: Annotated[UtcDateTime | None, Field(alias="to", description="Before this moment.")] = None


class AccessActor(Output):
    """Who it was, as they were then."""

    id: UUID | None
    name: str | None
    roles: list[str]


class AccessRecord(Output):
    """The record that was opened."""

    kind: str
    id: UUID


class AccessEntry(Output):
    """One child shown to somebody; an event that showed none has one with `child_id` null."""

    id: UUID
    event_id: UUID
    at: UtcDateTime
    actor: AccessActor
    client_id: UUID | None
    act: str
    outcome: str
    status: int | None
    request_id: str
    child_id: UUID | None
    case_id: UUID | None
    record: AccessRecord | None
    reason: str | None
    address: str | None

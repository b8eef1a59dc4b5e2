"""Schemas of the access log."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.dates import FilterTime
from app.schemas.wire import Id, Output, Page, PageQuery, UtcDateTime


class AccessEntryFilters(PageQuery):
    """Query parameters of the access log."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    child_id: Id | None = Field(None, description="Only entries about this child.")
    case_id: Id | None = Field(None, description="Only entries about this case.")
    record_id: Id | None = Field(
        None,
        description="Only entries whose `record` has this id, for example the requests of a case itself. The entries of all "
        "records of a case have its `case_id`.",
    )
    record_kind: Annotated[str, CodeOf("record_kind")] | None = Field(
        None,
        description="Only entries whose `record` has this kind. Requires `child_id`, `case_id` or `record_id`.",
    )
    actor_id: Id | None = Field(None, description="Only requests of this user or API client.")
    act: Annotated[str, Field(max_length=100)] | None = Field(
        None,
        description="Only requests with this act: a permission such as `case.read`, or an act that needs none, such as "
        "`account.sign_in`. The error for an unknown act lists all acts.",
    )
    outcome: Annotated[str, CodeOf("access_outcome")] | None = Field(
        None, description="Only requests with this outcome."
    )
    request_id: Annotated[str, Field(max_length=64)] | None = Field(
        None,
        description="Only entries of the request with this id. The response header `X-Request-Id` contains it.",
    )
    correlation_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Only requests with this id of the caller, as in the header `X-Correlation-Id`."
    )
    since: Annotated[
        FilterTime | None, Field(alias="from", description="Only requests at or after this time.")
    ] = None
    until: Annotated[FilterTime | None, Field(alias="to", description="Only requests before this time.")] = (
        None
    )

    @field_validator("record_kind")
    @classmethod
    def require_child_or_record(cls, record_kind: str | None, info: ValidationInfo) -> str | None:
        """Reject `record_kind` alone, because the log has no index by kind."""
        if record_kind is not None and all(
            info.data.get(name) is None for name in ("child_id", "case_id", "record_id")
        ):
            raise PydanticCustomError("record_kind_alone", "needs a child, case or record")
        return record_kind


class AccessActor(Output):
    """The caller of a request, with the roles at that time."""

    id: UUID | None = Field(
        description="Id of the user or API client; null for an anonymous request, a process of the server, or an operator "
        "on the command line (role `command_line`)."
    )
    name: str | None = Field(description="Current name of the user or API client.")
    roles: list[str] = Field(description="Roles of the caller at the time of the request.")


class AccessRecord(Output):
    """The record that a request read or changed."""

    kind: str = Field(description="Kind of the record; `record` if the kind is not known.")
    id: UUID = Field(description="Id of the record.")


class AccessChange(Output):
    """The values of one field before and after an act."""

    old: Any = Field(description="Value before the act; null for a new record.")
    new: Any = Field(description="Value after the act; null for a deleted record.")


class AccessEntry(Output):
    """An entry of the access log: a request, and one child whose data it read or changed.

    `child_id` is null if there is none.
    """

    id: str = Field(
        description="Id of the entry: the id of the event, a dot, and the number of the entry in the event. The number is "
        "0 for an event without an entry."
    )
    event_id: UUID = Field(
        description="Id of the access event of the request. All entries of one request share it."
    )
    at: UtcDateTime = Field(description="Time of the request.")
    actor: AccessActor = Field(description="The caller of the request.")
    client_id: UUID | None = Field(description="Id of the API client; null if a person sent the request.")
    act: str = Field(
        description="Permission that the request used, such as `case.read`, or an act that needs none, such as "
        "`account.sign_in`."
    )
    outcome: Annotated[str, CodeOf("access_outcome")] = Field(description="Outcome of the request.")
    status: int | None = Field(
        description="HTTP status of the response; null while the request is in progress."
    )
    request_id: str = Field(
        description="Id that the server generated for the request, as in the response header `X-Request-Id`."
    )
    correlation_id: str | None = Field(
        description="Id that the caller chose for the request, as in the header `X-Correlation-Id`."
    )
    child_id: UUID | None = Field(
        description="Id of the child; null if the request read or changed no data of a child."
    )
    case_id: UUID | None = Field(description="Id of the case; null if the request was about no case.")
    record: AccessRecord | None = Field(
        description="First record of the child that the request read or changed. A break-glass grant takes "
        "precedence, because it contains the reason."
    )
    changes: dict[str, AccessChange] | None = Field(
        description="Old and new values, by the name of the field, of an act on an account, a team, an API client, a fund "
        "or other configuration; null for other requests. Never contains a password or a secret."
    )
    reason: str | None = Field(description="Reason for a break-glass access; null for other requests.")
    address: str | None = Field(description="IP address of the client.")


class AccessEntryList(Page[AccessEntry]):
    """One page of the access log, newest entry first."""

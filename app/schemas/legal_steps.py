"""Schemas of incidents and legal steps."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import FilterDate, LegalStepDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import StaffRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Input,
    Narrative,
    Page,
    PageQuery,
    ShortText,
    UtcDateTime,
    Versioned,
)

LegalStepSort = TypeAliasType("LegalStepSort", Literal["created_at", "-created_at", "on", "-on"])
"""Order of the legal steps of a case."""


class LegalStepContent(Input):
    """An incident or a legal step, on one day."""

    kind: Annotated[str, CodeOf("legal_step_kind")] = Field(
        description="Kind of the entry, such as an incident, a report or a court date."
    )
    status: Annotated[str, CodeOf("legal_step_status")] = Field(
        "done", description="Status of the entry: planned, done or cancelled."
    )
    on: LegalStepDate = Field(
        description="Day of the incident, report or hearing. It must not be in the future if the status is `done`."
    )
    place: ShortText | None = Field(None, description="Place of the incident or the hearing.")
    authority: Annotated[str, CodeOf("authority")] | None = Field(
        None, description="Authority in charge, such as the police or a court."
    )
    file_number: ShortText | None = Field(None, description="The authority's file number.")
    support_person: ShortText | None = Field(
        None, description="Name of the person who accompanies the child."
    )
    description: Narrative | None = Field(None, description="Description of the incident or the legal step.")
    result: Narrative | None = Field(None, description="Result of the legal step.")


class LegalStepCreate(LegalStepContent):
    """A new incident or legal step."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


if TYPE_CHECKING:

    class LegalStepUpdate(Input):
        """Changes to a legal step."""
else:
    LegalStepUpdate = build_patch_model(LegalStepContent, "LegalStepUpdate")


class LegalStepFilters(PageQuery, CorrectableFilters):
    """Query parameters of the list of incidents and legal steps."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: CommaSeparated[Annotated[str, CodeOf("legal_step_kind")]] | None = Field(
        None, description="Only entries of these kinds."
    )
    status: CommaSeparated[Annotated[str, CodeOf("legal_step_status")]] | None = Field(
        None, description="Only entries with one of these statuses."
    )
    since: Annotated[
        FilterDate | None, Field(alias="from", description="Only entries on or after this day.")
    ] = None
    until: Annotated[
        FilterDate | None, Field(alias="to", description="Only entries on or before this day.")
    ] = None
    sort: LegalStepSort = Field("-created_at", description="Order of the list.")


class LegalStep(Versioned, Correctable):
    """An incident or a legal step of a case."""

    collection: ClassVar[str | None] = "legal-steps"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    kind: Annotated[str, CodeOf("legal_step_kind")] = Field(
        description="Kind of the entry, such as an incident, a report or a court date."
    )
    status: Annotated[str, CodeOf("legal_step_status")] = Field(
        description="Status of the entry: planned, done or cancelled."
    )
    on: date = Field(description="Day of the incident, report or hearing.")
    place: str | None = Field(description="Place of the incident or the hearing.")
    authority: Annotated[str, CodeOf("authority")] | None = Field(
        description="Authority in charge, such as the police or a court."
    )
    file_number: str | None = Field(description="The authority's file number.")
    support_person: str | None = Field(description="Name of the person who accompanies the child.")
    description: str | None = Field(description="Description of the incident or the legal step.")
    result: str | None = Field(description="Result of the legal step.")
    author_id: UUID = Field(description="Id of the staff member who added the entry.")
    author: StaffRef = Field(description="The staff member who added the entry.")
    warnings: list[InputWarning] = Field(description="Fields that are kept although they look wrong.")
    created_at: UtcDateTime = Field(description="Time at which the entry was added.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class LegalStepList(Page[LegalStep]):
    """One page of incidents and legal steps."""

"""Support sessions, their clinical notes and addenda, on the wire."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    PageQuery,
    ShortNarrative,
    ShortText,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

ATTENDED_CODES = frozenset({"attended", "attended_part"})
"""Attendance with which a session was held; with any other it was missed."""


def _build_field_error(field: str, code: str, what: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(code, what), loc=(field,), input=None)


def _raise_if_errors(wrong: list[InitErrorDetails]) -> None:
    """Refuse what does not go together, at each field that is in the way or missing."""
    if wrong:
        raise ValidationError.from_exception_data("session", wrong)


class Mood(Input):
    """How the child felt, as the child itself says it."""

    value: Annotated[StrictInteger, Field(ge=0, le=100)] | None = Field(
        None, description="Where on its scale the child pointed; higher is better."
    )
    of: Annotated[StrictInteger, Field(ge=1, le=100)] | None = Field(
        None, description="The top of that scale: 5 for five faces."
    )
    words: ShortNarrative | None = Field(None, description="The child's own words.")

    @model_validator(mode="after")
    def validate_value_or_words(self) -> Self:
        """Ask for a value on its scale, or for words."""
        if (self.value is None) != (self.of is None) or (self.value is None and self.words is None):
            raise PydanticCustomError("mood_form", "needs value with of, or words")
        if self.value is not None and self.of is not None and self.value > self.of:
            raise PydanticCustomError("mood_form", "value lies beyond the scale")
        return self


class SupportSessionPlan(Input):
    """What is known of a contact before it happens."""

    kind: Annotated[str, CodeOf("session_kind")]
    form: Annotated[str, CodeOf("session_form")] | None = None
    participants: Annotated[list[ShortText], Field(max_length=30)] = Field(default_factory=list)
    areas: Annotated[list[Annotated[str, CodeOf("area")]], Field(max_length=7)] = Field(default_factory=list)
    goal_ids: Annotated[list[Id], Field(max_length=30)] = Field(default_factory=list)
    place: ShortText | None = None
    worker_id: Id | None = None

    @model_validator(mode="after")
    def validate_form(self) -> Self:
        """Refuse a form of therapy for what is none."""
        if self.form is not None and self.kind != "therapy":
            _raise_if_errors([_build_field_error("form", "form_without_therapy", "only therapy has a form")])
        return self


class SupportSessionContent(SupportSessionPlan):
    """One contact, planned, held or missed: which of them, its fields say."""

    planned_at: UtcDateTime | None = None
    held_at: UtcDateTime | None = None
    attendance: Annotated[str, CodeOf("attendance")] | None = Field(
        None, validate_default=True, description="Who came; null with held_at is attended."
    )
    mood: Mood | None = None
    summary: Narrative | None = None
    next_step: ShortNarrative | None = None
    missed_reason: ShortNarrative | None = None

    @property
    def status(self) -> str:
        """What the fields say it is."""
        if self.attendance is None:
            return "planned"
        return "held" if self.attendance in ATTENDED_CODES else "missed"

    @field_validator("attendance")
    @classmethod
    def set_default_attendance(cls, attendance: str | None, info: ValidationInfo) -> str | None:
        """Return that the child came, where a session was held and nothing else is said."""
        return "attended" if attendance is None and info.data.get("held_at") else attendance

    @model_validator(mode="after")
    def validate_status_fields(self) -> Self:
        """Ask for what a planned, a held or a missed session needs, and refuse what belongs to another."""
        _raise_if_errors([*self._iter_status_field_errors()])
        return self

    def _iter_status_field_errors(self) -> Iterator[InitErrorDetails]:
        held, missed = self.status == "held", self.status == "missed"
        if self.status == "planned" and self.planned_at is None:
            yield _build_field_error("planned_at", "undated", "needs planned_at, or held_at")
        if held != (self.held_at is not None):
            yield _build_field_error("held_at", "held_form", "held_at goes with who came")
        if missed != (self.missed_reason is not None):
            yield _build_field_error("missed_reason", "missed_form", "missed needs missed_reason")
        if missed and self.planned_at is None:
            yield _build_field_error("planned_at", "missed_form", "missed needs planned_at")


class SupportSessionCreate(SupportSessionContent):
    """A contact that is planned, or was held or missed; the client may choose the id."""

    id: ClientChosenId | None = None


if TYPE_CHECKING:

    class SupportSessionUpdate(Input):
        """Changes to a support session."""
else:
    SupportSessionUpdate = build_patch_model(SupportSessionContent, "SupportSessionUpdate")


class SupportSessionSeriesCreate(SupportSessionPlan):
    """Contacts at regular intervals, planned at once."""

    id: ClientChosenId | None = Field(None, description="The id of the series; the client may choose it.")
    first_at: UtcDateTime = Field(
        description="When the first one is; the others follow on the same weekday, at the same local time."
    )
    every_weeks: Annotated[StrictInteger, Field(ge=1, le=12)] = Field(
        1, description="Weeks from one to the next."
    )
    count: Annotated[StrictInteger, Field(ge=2, le=60)] = Field(description="How many.")


class SupportSessionCancellation(Input):
    """Why a planned session does not take place."""

    reason: ShortNarrative


class SupportSessionFilters(PageQuery):
    """Which sessions to list."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: Annotated[str, CodeOf("session_status")] | None = None
    kind: Annotated[str, CodeOf("session_kind")] | None = None
    series_id: Id | None = None
    since: Annotated[
        UtcDateTime | None, Field(alias="from", description="Held, or else planned, from this moment on.")
    ] = None
    until: Annotated[
        UtcDateTime | None, Field(alias="to", description="Held, or else planned, before this moment.")
    ] = None


class SupportSession(Versioned):
    """One contact."""

    collection: ClassVar[str | None] = "support-sessions"

    child_id: UUID
    case_id: UUID
    series_id: UUID | None
    kind: Annotated[str, CodeOf("session_kind")]
    form: str | None
    status: Annotated[str, CodeOf("session_status")]
    planned_at: UtcDateTime | None
    held_at: UtcDateTime | None
    attendance: str | None
    participants: list[str]
    areas: list[str]
    goal_ids: list[UUID]
    place: str | None
    mood: Mood | None
    summary: str | None
    next_step: str | None
    missed_reason: str | None
    cancel_reason: str | None
    worker_id: UUID
    author_id: UUID = Field(
        description="Who wrote it down: who planned it, then who recorded it as held or missed."
    )
    recorded_at: UtcDateTime | None
    editable_until: UtcDateTime | None = Field(
        description="Until when its author may correct it; from then on there are addenda. Null while it is planned."
    )
    has_clinical_note: bool = Field(description="Whether there is a clinical note that you may read.")
    created_at: UtcDateTime
    updated_at: UtcDateTime


class SupportSessionSeries(Output):
    """A series as it was planned."""

    series_id: UUID
    items: list[SupportSession]


class ClinicalNoteUpdate(Input):
    """What only its author and the supervisor of the case's team read."""

    text: Narrative


class ClinicalNote(Versioned):
    """The clinical note on a session."""

    session_id: UUID
    child_id: UUID
    case_id: UUID
    author_id: UUID
    text: str
    editable_until: UtcDateTime = Field(
        description="Until when its author may change it; from then on there are addenda of the clinical tier."
    )
    created_at: UtcDateTime
    updated_at: UtcDateTime


class SupportSessionAddendumCreate(Input):
    """What is to be added to a session."""

    id: ClientChosenId | None = None
    text: Narrative
    tier: Literal["case", "clinical"] = "case"


class SupportSessionAddendum(Output):
    """What was added to a session."""

    id: UUID
    session_id: UUID
    child_id: UUID
    case_id: UUID
    author_id: UUID
    tier: Annotated[str, CodeOf("tier")]
    text: str
    created_at: UtcDateTime

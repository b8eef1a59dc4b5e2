"""Schemas of support sessions and of series of support sessions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.fault_codes import FaultCode
from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable
from app.schemas.dates import PastTime, PlanTime
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import StaffRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    ShortNarrative,
    ShortText,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

SessionTopic = Annotated[str, CodeOf("session_topic")]
SessionContact = Annotated[str, CodeOf("session_contact")]
ATTENDED_CODES = frozenset({"attended", "attended_part"})
"""Attendance codes of a session that was held. All other codes mean that it was missed."""


def _build_field_error(field: str, code: FaultCode, message: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(code, message), loc=(field,), input=None)


def _raise_if_errors(errors: list[InitErrorDetails]) -> None:
    if errors:
        raise ValidationError.from_exception_data("session", errors)


class Mood(Input):
    """The mood of the child, as stated by the child: a value on a scale, or words, or both."""

    value: Annotated[StrictInteger, Field(ge=0, le=100)] | None = Field(
        None, description="Value that the child chose on the scale. Higher is better."
    )
    of: Annotated[StrictInteger, Field(ge=1, le=100)] | None = Field(
        None, description="Maximum of the scale, for example 5 for a scale of five faces."
    )
    words: ShortNarrative | None = Field(None, description="The child's own words.")

    @model_validator(mode="after")
    def validate_value_or_words(self) -> Self:
        """Require a value with its scale, or words."""
        if (self.value is None) != (self.of is None) or (self.value is None and self.words is None):
            raise PydanticCustomError("mood_form", "needs value with of, or words")
        if self.value is not None and self.of is not None and self.value > self.of:
            raise PydanticCustomError("mood_form", "value is greater than of")
        return self


class SupportSessionPlan(Input):
    """The fields of a support session that are known before it is held."""

    kind: Annotated[str, CodeOf("session_kind")] = Field(
        description="Kind of the session, such as therapy or a home visit."
    )
    form: Annotated[str, CodeOf("session_form")] | None = Field(
        None, description="Form of therapy. Only for sessions of the kind `therapy`."
    )
    participants: Annotated[list[ShortText], Field(max_length=30)] = Field(
        default_factory=list, description="Participants as free text, such as `the grandmother`."
    )
    contact_with: Annotated[list[SessionContact], Field(max_length=4)] = Field(
        default_factory=list,
        description="Persons whom the session reaches. A held session that reaches the child, the supporter or the family "
        "is a contact. Empty: derived from `participants` if they name the child or a caregiver with a common word; "
        "otherwise every session except a phone call counts as a contact.",
    )
    areas: Annotated[list[Annotated[str, CodeOf("area")]], Field(max_length=7)] = Field(
        default_factory=list, description="Areas of the care plan that the session works on."
    )
    topics: Annotated[list[SessionTopic], Field(max_length=20)] = Field(
        default_factory=list, description="Topics that the session is about, such as `self_protection`."
    )
    goal_ids: Annotated[list[Id], Field(max_length=30)] = Field(
        default_factory=list, description="Ids of the goals of this case that the session works on."
    )
    place: ShortText | None = Field(None, description="Place of the session.")
    worker_id: Id | None = Field(
        None, description="Id of the staff member who holds the session; null: the caller."
    )

    @model_validator(mode="after")
    def validate_form(self) -> Self:
        """Reject a form of therapy for other kinds of sessions."""
        if self.form is not None and self.kind != "therapy":
            _raise_if_errors([_build_field_error("form", "form_without_therapy", "only therapy has a form")])
        return self


class SupportSessionContent(SupportSessionPlan):
    """A planned, held or missed support session. The status follows from `attendance`."""

    planned_at: PlanTime | None = Field(
        None, description="Planned time. Required for a planned or a missed session."
    )
    held_at: PastTime | None = Field(
        None, description="Time at which the session was held. Only for a held session."
    )
    attendance: Annotated[str, CodeOf("attendance")] | None = Field(
        None,
        validate_default=True,
        description="Attendance, or the person who missed the session. Null: `attended` if `held_at` is given, "
        "otherwise the session is planned.",
    )
    mood: Mood | None = Field(
        None, description="The child's mood during the session, as stated by the child."
    )
    summary: Narrative | None = Field(None, description="Summary of the session.")
    next_step: ShortNarrative | None = Field(None, description="The next step agreed in the session.")
    missed_reason: ShortNarrative | None = Field(
        None, description="Reason why the session was missed. Required for a missed session only."
    )

    @property
    def status(self) -> str:
        """Status that follows from the fields: planned, held or missed."""
        if self.attendance is None:
            return "planned"
        return "held" if self.attendance in ATTENDED_CODES else "missed"

    @field_validator("attendance")
    @classmethod
    def set_default_attendance(cls, attendance: str | None, info: ValidationInfo) -> str | None:
        """Return `attended` for a held session without an attendance."""
        return "attended" if attendance is None and info.data.get("held_at") else attendance

    @model_validator(mode="after")
    def validate_status_fields(self) -> Self:
        """Require the fields of the session's status, and reject those of another status."""
        _raise_if_errors([*self._iter_status_field_errors()])
        return self

    def _iter_status_field_errors(self) -> Iterator[InitErrorDetails]:
        held, missed = self.status == "held", self.status == "missed"
        if self.status == "planned" and self.planned_at is None:
            yield _build_field_error("planned_at", "undated", "needs planned_at, or held_at")
        if held != (self.held_at is not None):
            yield _build_field_error(
                "held_at", "held_form", "held_at requires an attendance of a held session"
            )
        if missed != (self.missed_reason is not None):
            yield _build_field_error("missed_reason", "missed_form", "a missed session needs missed_reason")
        if missed and self.planned_at is None:
            yield _build_field_error("planned_at", "missed_form", "a missed session needs planned_at")


class SupportSessionCreate(SupportSessionContent):
    """A new support session: planned, held or missed."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


if TYPE_CHECKING:

    class SupportSessionUpdate(Input):
        """Changes to a support session."""
else:
    SupportSessionUpdate = build_patch_model(SupportSessionContent, "SupportSessionUpdate")


class SupportSessionSeriesCreate(SupportSessionPlan):
    """A new series of support sessions at regular intervals."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    first_at: PlanTime = Field(
        description="Time of the first session. The others follow on the same weekday at the same local time."
    )
    every_weeks: Annotated[StrictInteger, Field(ge=1, le=12)] = Field(
        1, description="Interval between two sessions in weeks."
    )
    count: Annotated[StrictInteger, Field(ge=2, le=60)] = Field(
        description="Number of sessions in the series."
    )


class SupportSessionCancellation(Input):
    """Cancellation of a planned support session."""

    reason: ShortNarrative = Field(description="Reason for the cancellation.")


class SupportSessionFields(Versioned, Correctable):
    """The fields of a support session that lists of all cases contain too."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    series_id: UUID | None = Field(description="Id of the series of the session; null for a single session.")
    kind: Annotated[str, CodeOf("session_kind")] = Field(
        description="Kind of the session, such as therapy or a home visit."
    )
    form: Annotated[str, CodeOf("session_form")] | None = Field(
        description="Form of therapy; null for other kinds of sessions."
    )
    status: Annotated[str, CodeOf("session_status")] = Field(
        description="Life-cycle status of the session: `planned`, `held`, `missed` or `cancelled`."
    )
    planned_at: UtcDateTime | None = Field(
        description="Planned time; null if the session was recorded without a plan."
    )
    held_at: UtcDateTime | None = Field(
        description="Time at which the session was held; null if it was not held."
    )
    at: UtcDateTime = Field(description="Time held or, if the session was not held, the planned time.")
    attendance: Annotated[str, CodeOf("attendance")] | None = Field(
        description="Attendance, or the person who missed the session; null while it is planned."
    )
    areas: list[Annotated[str, CodeOf("area")]] = Field(
        description="Areas of the care plan that the session works on."
    )
    topics: list[SessionTopic] = Field(
        description="Topics that the session is about, such as `self_protection`."
    )
    contact_with: list[SessionContact] = Field(
        description="Persons whom the session reaches; empty: the default of its kind."
    )
    place: str | None = Field(description="Place of the session.")
    worker_id: UUID = Field(description="Id of the staff member who holds or held the session.")
    worker: StaffRef = Field(description="The staff member who holds or held the session.")
    author_id: UUID = Field(
        description="Id of the staff member who planned the session, or who first recorded it as held or missed."
    )
    author: StaffRef = Field(
        description="The staff member who planned the session, or who first recorded it as held or missed."
    )
    recorded_at: UtcDateTime | None = Field(
        description="Time at which the session was recorded as held or missed; null before that."
    )
    editable_until: UtcDateTime | None = Field(
        description="End of the 24 hours in which the author can correct the record; null while it is planned."
    )
    has_clinical_note: bool = Field(
        description="Whether the session has a clinical note that the caller can read."
    )
    created_at: UtcDateTime = Field(description="Time at which the session was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class SupportSession(SupportSessionFields):
    """A support session: a planned or held contact with the child or the family."""

    collection: ClassVar[str | None] = "support-sessions"

    participants: list[str] = Field(description="Participants as free text.")
    goal_ids: list[UUID] = Field(description="Ids of the goals that the session works on.")
    mood: Mood | None = Field(description="The child's mood during the session, as stated by the child.")
    summary: str | None = Field(description="Summary of the session.")
    next_step: str | None = Field(description="The next step agreed in the session.")
    missed_reason: str | None = Field(description="Reason why the session was missed.")
    cancel_reason: str | None = Field(description="Reason why the session was cancelled.")
    warnings: list[InputWarning] = Field(description="Fields that are kept although they look wrong.")


class SupportSessionSeries(Output):
    """The sessions of a new series."""

    series_id: UUID = Field(description="Id of the series.")
    items: list[SupportSession] = Field(description="All sessions of the series in order of time.")

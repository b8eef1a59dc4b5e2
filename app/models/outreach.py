"""Tables of outreach activities: prevention, capacity building, meetings and dissemination.

They contain no names of participants.

Columns that reports use are plain. Texts that people type freely are encrypted, because they can contain a name by
mistake; only title, venue and names of organisations are plain, so that the list can be searched.
"""

import uuid
from datetime import date, datetime
from typing import Any, TypedDict

from sqlalchemy import Index, event
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, EncryptedFile, OptionalEncryptedField
from app.models.record import (
    CorrectableRecord,
    Record,
    encrypted_column,
    id_column,
    text_array_column,
    timestamp_column,
    uuid_array_column,
)
from app.text_folding import fold_text


class OutreachActivity(Record, CorrectableRecord, table=True):
    """One activity, such as an awareness session, a training or a meeting, or a series of them."""

    __tablename__ = "outreach_activities"
    __table_args__ = (
        Index("ix_outreach_activities_starts_on", "starts_on", "id"),
        Index("ix_outreach_activities_created_at", "created_at", "id"),
    )

    kind: str
    title: str
    topic: str
    programme: str
    starts_on: date
    ends_on: date | None = None
    """Last day; NULL for an activity of one day."""
    sessions: int = 1
    """Number of sessions or meetings that were held."""
    place_code: str | None = Field(default=None, foreign_key="places.code", index=True)
    is_online: bool = False
    venue: str | None = None
    government_level: str | None = None
    partner_ids: list[uuid.UUID] = uuid_array_column()
    partner_names: list[str] = text_array_column()
    """Names of partner organisations that are not in the directory of agencies."""
    facilitator_ids: list[uuid.UUID] = uuid_array_column()
    facilitator_agencies: list[str] = text_array_column()
    copies: int | None = None
    """Number of distributed copies of a publication."""
    score_maximum: float | None = None
    tested_before: int | None = None
    mean_before: float | None = None
    tested_after: int | None = None
    mean_after: float | None = None
    search_key: str = ""
    """The folded title, venue and names of partners, in which the list searches (see `app.text_folding`)."""
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    description_encrypted: bytes | None = encrypted_column(nullable=True)
    description = OptionalEncryptedField[str]("description_encrypted")


@event.listens_for(OutreachActivity, "before_insert")
@event.listens_for(OutreachActivity, "before_update")
def set_search_key(_mapper: object, _connection: object, activity: OutreachActivity) -> None:
    """Set the folded texts of an activity."""
    texts = [activity.title, activity.venue or "", *activity.partner_names, *activity.facilitator_agencies]
    activity.search_key = "\n".join(map(fold_text, texts))


class OutreachParticipants(SQLModel, table=True):
    """The participants of one audience of an activity: persons, attendances, and the persons by sex, age and disability.

    Each breakdown adds up to `persons`. Its column `…_unknown` contains the persons about whom nothing is known.
    """

    __tablename__ = "outreach_participants"

    activity_id: uuid.UUID = Field(foreign_key="outreach_activities.id", primary_key=True)
    audience: str = Field(primary_key=True)
    persons: int
    attendances: int
    sex_male: int
    sex_female: int
    sex_other: int
    sex_unknown: int
    age_under_5: int
    age_from_5_to_9: int
    age_from_10_to_13: int
    age_from_14_to_17: int
    age_from_18_to_24: int
    age_from_25_to_59: int
    age_from_60: int
    age_unknown: int
    disability_yes: int
    disability_no: int
    disability_unknown: int


class StoredOutreachChange(TypedDict):
    """The value of a field before and after a change."""

    before: Any
    after: Any


class OutreachChange(SQLModel, table=True):
    """A change of an activity or of its attachments, with the values before and after it."""

    __tablename__ = "outreach_changes"
    __table_args__ = (Index("ix_outreach_changes_activity", "activity_id", "changed_at", "id"),)

    id: uuid.UUID = id_column()
    activity_id: uuid.UUID = Field(foreign_key="outreach_activities.id")
    changed_at: datetime = timestamp_column(default_now=True)
    changed_by_id: uuid.UUID = Field(foreign_key="users.id")
    fields: list[str] = text_array_column()
    """Names of the changed fields."""
    changes_encrypted: bytes = encrypted_column()
    changes = EncryptedField[dict[str, StoredOutreachChange]]("changes_encrypted")


class StoredAttachmentDetails(TypedDict):
    """Title, file name and description of an attachment."""

    title: str
    file_name: str
    description: str | None


class OutreachAttachment(Record, CorrectableRecord, table=True):
    """Metadata of a file of an activity, such as a programme, a report or a photo."""

    __tablename__ = "outreach_attachments"
    __table_args__ = (Index("ix_outreach_attachments_newest", "activity_id", "created_at", "id"),)

    activity_id: uuid.UUID = Field(foreign_key="outreach_activities.id")
    media_type: str
    """Media type detected from the content."""
    size: int
    """Size of the file in bytes."""
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    details_encrypted: bytes = encrypted_column()
    details = EncryptedField[StoredAttachmentDetails]("details_encrypted")


class OutreachAttachmentContent(SQLModel, table=True):
    """Encrypted file of an attachment. It has the same id as the attachment."""

    __tablename__ = "outreach_attachment_contents"

    id: uuid.UUID = Field(foreign_key="outreach_attachments.id", primary_key=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedFile("content_encrypted")

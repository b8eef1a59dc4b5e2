"""Table of calendar feeds."""

import uuid
from datetime import datetime

from sqlmodel import Field

from app.models.record import Record, timestamp_column


class CalendarFeed(Record, table=True):
    """A calendar feed of a user's agenda. The table stores only a digest of its token."""

    __tablename__ = "calendar_feeds"

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    token_digest: bytes = Field(unique=True)
    name: str
    language: str = "en"
    """Language of the titles in the calendar: `en` or `km`."""
    revoked_at: datetime | None = timestamp_column()
    last_read_at: datetime | None = timestamp_column()

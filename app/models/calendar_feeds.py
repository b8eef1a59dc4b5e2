"""Calendar feeds: somebody's agenda behind a token, for the calendar on their phone."""

import uuid
from datetime import datetime

from sqlmodel import Field

from app.models.record import Record, timestamp_column


class CalendarFeed(Record, table=True):
    """A feed; only a digest of its token is kept."""

    __tablename__ = "calendar_feeds"

    user_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    token_digest: bytes = Field(unique=True)
    name: str
    language: str = "en"
    """en or km: of the words in the calendar."""
    revoked_at: datetime | None = timestamp_column()
    last_read_at: datetime | None = timestamp_column()

"""Tables of calendar feeds and of the settings that users choose for themselves."""

import uuid
from datetime import date, datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

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


class UserSetting(SQLModel, table=True):
    """The settings that a user has chosen. A user without a row has the defaults."""

    __tablename__ = "user_settings"

    user_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True)
    version: int
    agenda_digest: bool
    """Whether the user gets a daily e-mail with numbers of the agenda."""
    language: str
    """Language of the e-mail: `en` or `km`."""
    digest_secret_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Hash of the secret with which the job counts the agenda. Only the key ring can compute the secret."""
    digest_sent_on: date | None = None
    """Local date of the last e-mail."""

"""Tables of agencies, teams, users with their sessions, calendar feeds and settings, API clients, and pending changes.

They contain no data about children.
"""

import uuid
from datetime import date, datetime
from typing import Any, TypedDict

from sqlalchemy import Index, LargeBinary, event, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import OptionalEncryptedField
from app.models.record import (
    Record,
    encrypted_column,
    json_column,
    new_id,
    text_array_column,
    timestamp_column,
    unique_name_index,
)
from app.text_folding import fold_email_address, fold_text


class StoredTotpSecret(TypedDict):
    """The TOTP secrets of a user in base 32, and the SHA-256 digests of the unused recovery codes in hexadecimal."""

    secret: str | None
    """Secret of the confirmed second factor."""
    recovery: list[str]
    pending: str | None
    """Secret that its first code has not confirmed yet."""


class Agency(Record, table=True):
    """An organisation: First Step itself, a partner, a provider, an authority or a donor."""

    __tablename__ = "agencies"
    __table_args__ = (unique_name_index("agencies"),)

    name: str
    kind: str
    is_active: bool = True


class Team(Record, table=True):
    """A team of workers and their supervisors. Each case belongs to one team."""

    __tablename__ = "teams"
    __table_args__ = (unique_name_index("teams"),)

    name: str
    is_active: bool = True


class TeamMember(SQLModel, table=True):
    """Membership of a user in a team."""

    __tablename__ = "team_members"

    team_id: uuid.UUID = Field(foreign_key="teams.id", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True, index=True)
    is_supervisor: bool = False


class User(Record, table=True):
    """A member of staff with an account."""

    __tablename__ = "users"

    email: str
    email_key: str = Field(default="", unique=True)
    """The folded email address, which `set_user_keys` sets. Only this column is compared."""
    name: str
    name_key: str = ""
    """The folded name, in which the directory searches (see `app.text_folding`)."""
    roles: list[str] = text_array_column()
    is_active: bool = True
    password_hash: str | None = None
    initial_password_expires_at: datetime | None = timestamp_column()
    """Expiry of a password that the server generated; NULL for a password that the user chose."""
    activation_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Digest of the activation code. While it is set, the roles that need a confirmation have no effect."""
    activation_expires_at: datetime | None = timestamp_column()
    totp_encrypted: bytes | None = encrypted_column(nullable=True)
    totp = OptionalEncryptedField[StoredTotpSecret]("totp_encrypted")
    """TOTP secrets and recovery codes. The second factor is active once `totp_confirmed_at` is set."""
    totp_confirmed_at: datetime | None = timestamp_column()
    totp_last_step: int | None = None
    """Last 30-second step whose code was accepted. Codes of this and earlier steps are rejected."""


@event.listens_for(User, "before_insert")
@event.listens_for(User, "before_update")
def set_user_keys(_mapper: object, _connection: object, user: User) -> None:
    """Set the folded email address and the folded name of a user."""
    user.email_key, user.name_key = fold_email_address(user.email), fold_text(user.name)


class ApiClient(Record, table=True):
    """A system of an agency that calls the API."""

    __tablename__ = "api_clients"

    agency_id: uuid.UUID = Field(foreign_key="agencies.id", index=True)
    name: str
    scopes: list[str] = text_array_column()
    public_key: str | None = None
    """Public key for `private_key_jwt`: a JWK (EC P-256) in JSON."""
    is_active: bool = True
    last_used_at: datetime | None = timestamp_column()


class ApiClientSecret(SQLModel, table=True):
    """The hash of a secret of an API client. Two active secrets allow rotation without an interruption."""

    __tablename__ = "api_client_secrets"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    client_id: uuid.UUID = Field(foreign_key="api_clients.id", index=True)
    digest: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = timestamp_column(default_now=True)
    revoked_at: datetime | None = timestamp_column()


class UsedClientAssertion(SQLModel, table=True):
    """The `jti` of a client assertion that was used. Each assertion is accepted once (RFC 7523)."""

    __tablename__ = "used_assertions"

    client_id: uuid.UUID = Field(foreign_key="api_clients.id", primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = timestamp_column(default_now=True)


class AuthSession(SQLModel, table=True):
    """A session of a user, with its refresh tokens, or the session of one access token of an API client."""

    __tablename__ = "sessions"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    client_id: uuid.UUID | None = Field(default=None, foreign_key="api_clients.id", index=True)
    family_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Digest of the part that all refresh tokens of the session share."""
    refresh_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Digest of the secret of the current refresh token."""
    previous_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Digest of the secret that the last refresh replaced."""
    created_at: datetime = timestamp_column(default_now=True)
    refreshed_at: datetime = timestamp_column(default_now=True)
    idle_ends_at: datetime = timestamp_column(default_now=True)
    ends_at: datetime = timestamp_column(default_now=True)
    revoked_at: datetime | None = timestamp_column()
    revoked_because: str | None = None
    address: str | None = None
    user_agent: str | None = None


class SessionKey(SQLModel, table=True):
    """The key that verifies the proofs of new sessions, as the two padded keys of HMAC-SHA-256."""

    __tablename__ = "session_keys"

    id: int = Field(default=1, primary_key=True)
    inner_pad: bytes = Field(sa_type=LargeBinary)
    outer_pad: bytes = Field(sa_type=LargeBinary)


class SignInThrottle(SQLModel, table=True):
    """The number of failed attempts under one limit of the sign-in throttle. The key is a keyed digest."""

    __tablename__ = "sign_in_attempts"

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    failures: int = 0
    last_at: datetime = timestamp_column(default_now=True)
    blocked_until: datetime | None = timestamp_column()


class PendingChange(Record, table=True):
    """A requested change of rights or settings. `created_at` is the time of the request."""

    __tablename__ = "pending_changes"
    __table_args__ = (
        Index(
            "uq_pending_changes_open",
            "kind",
            text("coalesce(person_id, record_id)"),
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_pending_changes_created_at", text("created_at DESC"), text("id DESC")),
    )

    kind: str
    requested_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    """The administrator who requested the change; NULL for an operator on the command line."""
    person_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    """The person whose rights or sign-in data change; NULL if the change concerns no person."""
    record_id: uuid.UUID | None = None
    """The record that changes, such as an API client; NULL if it is the person or does not exist yet."""
    payload: dict[str, Any] = json_column()
    """The change, in the form of its kind. It contains no secret, only hashes of generated secrets."""
    expires_at: datetime = timestamp_column(default_now=True)
    status: str = "pending"
    """A pending change whose `expires_at` has passed counts as expired. The next request of its kind stores that."""
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    """The person who confirmed, rejected or withdrew the change; NULL if the command line withdrew it."""
    decided_at: datetime | None = timestamp_column()
    reason: str | None = None
    """Reason of a rejection."""


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

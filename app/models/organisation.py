"""Who works here and with us: agencies, teams, users, API clients. No child's data."""

import uuid
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import OptionalEncryptedField
from app.models.record import Record, encrypted_column, new_id, text_array_column, timestamp_column


class StoredTotpSecret(TypedDict):
    """The TOTP secret in base 32, and the SHA-256 digests of the unused recovery codes in hexadecimal."""

    secret: str
    recovery: list[str]


class Agency(Record, table=True):
    """An organisation: FSC itself, a partner NGO, a provider."""

    __tablename__ = "agencies"

    name: str = Field(unique=True)
    kind: str
    is_active: bool = True


class Team(Record, table=True):
    """Workers and their supervisors; a case belongs to one team."""

    __tablename__ = "teams"

    name: str = Field(unique=True)
    is_active: bool = True


class TeamMember(SQLModel, table=True):
    """A user's place in a team."""

    __tablename__ = "team_members"

    team_id: uuid.UUID = Field(foreign_key="teams.id", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True, index=True)
    is_supervisor: bool = False


class User(Record, table=True):
    """A member of staff."""

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)

    email: str
    name: str
    roles: list[str] = text_array_column()
    is_active: bool = True
    password_hash: str | None = None
    totp_encrypted: bytes | None = encrypted_column(nullable=True)
    totp = OptionalEncryptedField[StoredTotpSecret]("totp_encrypted")
    """The TOTP secret and recovery codes; unconfirmed until `totp_confirmed_at`."""
    totp_confirmed_at: datetime | None = timestamp_column()
    totp_last_step: int | None = None
    """The last 30-second step whose code was used: a code works once."""


class ApiClient(Record, table=True):
    """A system of an agency that calls this API."""

    __tablename__ = "api_clients"

    agency_id: uuid.UUID = Field(foreign_key="agencies.id", index=True)
    name: str
    scopes: list[str] = text_array_column()
    public_key: str | None = None
    """A JWK (EC P-256) in JSON, for private_key_jwt."""
    is_active: bool = True
    last_used_at: datetime | None = timestamp_column()


class ApiClientSecret(SQLModel, table=True):
    """A hashed secret of an API client; two may live at once, to rotate without an outage."""

    __tablename__ = "api_client_secrets"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    client_id: uuid.UUID = Field(foreign_key="api_clients.id", index=True)
    digest: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = timestamp_column(default_now=True)
    revoked_at: datetime | None = timestamp_column()


class UsedClientAssertion(SQLModel, table=True):
    """The `jti` of a client assertion that was used: each works once (RFC 7523)."""

    __tablename__ = "used_assertions"

    client_id: uuid.UUID = Field(foreign_key="api_clients.id", primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: datetime = timestamp_column(default_now=True)


class AuthSession(SQLModel, table=True):
    """A session: a person's sign-in (a family of refresh tokens) or a machine's grant."""

    __tablename__ = "sessions"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    client_id: uuid.UUID | None = Field(default=None, foreign_key="api_clients.id", index=True)
    refresh_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = timestamp_column(default_now=True)
    refreshed_at: datetime = timestamp_column(default_now=True)
    idle_ends_at: datetime = timestamp_column(default_now=True)
    ends_at: datetime = timestamp_column(default_now=True)
    revoked_at: datetime | None = timestamp_column()
    revoked_because: str | None = None
    address: str | None = None
    user_agent: str | None = None


class SignInThrottle(SQLModel, table=True):
    """Failed sign-ins, counted per account and address, and per address; the key is a keyed digest."""

    __tablename__ = "sign_in_attempts"

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    failures: int = 0
    last_at: datetime = timestamp_column(default_now=True)
    blocked_until: datetime | None = timestamp_column()

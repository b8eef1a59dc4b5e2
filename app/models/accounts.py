"""Tables of agencies, teams, users, API clients and their sessions. They contain no data about children."""

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
    """An organisation: First Step itself, a partner, a provider, an authority or a donor."""

    __tablename__ = "agencies"

    name: str = Field(unique=True)
    kind: str
    is_active: bool = True


class Team(Record, table=True):
    """A team of workers and their supervisors. Each case belongs to one team."""

    __tablename__ = "teams"

    name: str = Field(unique=True)
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
    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)

    email: str
    name: str
    roles: list[str] = text_array_column()
    is_active: bool = True
    password_hash: str | None = None
    totp_encrypted: bytes | None = encrypted_column(nullable=True)
    totp = OptionalEncryptedField[StoredTotpSecret]("totp_encrypted")
    """TOTP secret and recovery codes. The second factor is active once `totp_confirmed_at` is set."""
    totp_confirmed_at: datetime | None = timestamp_column()
    totp_last_step: int | None = None
    """Last 30-second step whose code was accepted. Codes of this and earlier steps are rejected."""


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
    """The number of failed attempts under one limit of the sign-in throttle. The key is a keyed digest."""

    __tablename__ = "sign_in_attempts"

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    failures: int = 0
    last_at: datetime = timestamp_column(default_now=True)
    blocked_until: datetime | None = timestamp_column()

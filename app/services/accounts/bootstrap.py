"""Create accounts with all their rights immediately, on the command line and for the demonstration.

Only a connection of the owner role can write these rows. The API requires a second person for such rights instead.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.passwords import (
    generate_client_secret,
    generate_one_time_code,
    hash_password,
    hash_secret,
)
from app.access.permissions import Role
from app.errors import AlreadyExists, Fault, InvalidInput
from app.kit.records import validate_document
from app.models import ApiClient, ApiClientSecret, TeamMember, User
from app.models.record import new_id
from app.schemas.administration import UserCreate
from app.services.accounts.users import find_user_by_email

INITIAL_PASSWORD_LIFETIME = timedelta(days=3)


FIRST_ADMINISTRATORS = frozenset({Role.administrator})
FIRST_CONFIRMERS = frozenset({Role.data_protection_officer, Role.programme_manager})
LOCK_USERS_SQL = text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
"""Waits for transactions that write users, so that two commands at the same time do not both find no active user."""


async def create_first_account(session: AsyncSession, email: str, name: str, role: str) -> str:
    """Create the first administrator or the first confirmer, and return the initial password.

    Raises:
        AlreadyExists: an active user can do the same, so the API can create further users; or another account has the
            email address.
        InvalidInput: the email address, the name or the role is not valid.
    """
    roles = next((roles for roles in (FIRST_ADMINISTRATORS, FIRST_CONFIRMERS) if role in roles), None)
    if roles is None:
        allowed = " or ".join(sorted(FIRST_ADMINISTRATORS | FIRST_CONFIRMERS))
        raise InvalidInput([Fault("/role", "role_unfit", f"The role must be {allowed}.")])
    await session.execute(LOCK_USERS_SQL)
    holders = select(col(User.id)).where(
        col(User.is_active), col(User.roles).op("&&")(cast(sorted(roles), ARRAY(Text)))
    )
    if await session.scalar(holders.limit(1)):
        raise AlreadyExists(f"An active user with the role {' or '.join(sorted(roles))} exists already.")
    payload = validate_document(UserCreate, {"email": email, "name": name, "roles": [role]})
    password = generate_one_time_code()
    if await find_user_by_email(session, payload.email) is not None:
        raise AlreadyExists(f"Another account has the email address {payload.email}; choose another one.")
    await insert_user(session, payload, password, datetime.now(UTC) + INITIAL_PASSWORD_LIFETIME)
    return password


async def insert_user(
    session: AsyncSession, payload: UserCreate, password: str, initial_expires_at: datetime | None = None
) -> None:
    """Insert a user with all roles and teams.

    Raises:
        AlreadyExists: the email address or the id is taken.
    """
    user = User(
        id=payload.id or new_id(),
        email=payload.email,
        name=payload.name,
        roles=list(payload.roles),
        password_hash=await hash_password(password),
        initial_password_expires_at=initial_expires_at,
    )
    session.add(user)
    await session.flush()  # the memberships reference the user
    session.add_all(
        TeamMember(team_id=team.team_id, user_id=user.id, is_supervisor=team.is_supervisor)
        for team in payload.teams
    )
    await session.flush()  # an error belongs to this user


async def insert_api_client(
    session: AsyncSession, client_id: UUID, agency_id: UUID, name: str, scopes: Sequence[str]
) -> str:
    """Insert an API client with all scopes, and return its secret."""
    client_secret = generate_client_secret()
    session.add(ApiClient(id=client_id, agency_id=agency_id, name=name, scopes=list(scopes)))
    await session.flush()  # the secret references the client
    session.add(ApiClientSecret(client_id=client_id, digest=hash_secret(client_secret)))
    await session.flush()  # an error belongs to this client
    return client_secret

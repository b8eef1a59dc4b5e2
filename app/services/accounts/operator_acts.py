"""Commands of an operator on accounts: list, deactivate, and reset of sign-in data.

They run with the owner role of the database, in an access of the command line. A reset that could give the operator
access to children, money or accounts waits for the confirmation of a second person, like one of an administrator.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.accessed_records import AccessedRecord
from app.access.confirmed_roles import CONFIRMED_ROLES
from app.access.passwords import generate_one_time_code, hash_password
from app.access.permissions import STAFF
from app.access.session_records import get_accessed_records
from app.errors import Conflict, Fault, InvalidInput, NotFound
from app.kit.pending_changes import request_change, withdraw_pending_changes
from app.kit.records import get_for_update
from app.models import AuthSession, User
from app.services.accounts import sessions
from app.services.accounts.account_changes import PASSWORD_RESET, REACTIVATION
from app.services.accounts.bootstrap import FIRST_CONFIRMERS, INITIAL_PASSWORD_LIFETIME
from app.services.accounts.users import find_user_by_email

LAST_SIGN_IN = (
    select(func.max(AuthSession.created_at)).where(col(AuthSession.user_id) == col(User.id)).scalar_subquery()
)


class Account(NamedTuple):
    """A user account in the list of the command line."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    is_active: bool
    has_second_factor: bool
    last_sign_in_at: datetime | None

    def to_document(self) -> dict[str, Any]:
        """Return the account with JSON values."""
        last_sign_in = self.last_sign_in_at and self.last_sign_in_at.astimezone(UTC).isoformat()
        return {**self._asdict(), "id": str(self.id), "last_sign_in_at": last_sign_in}


class SignInReset(NamedTuple):
    """New sign-in data of a user."""

    email: str
    initial_password: str
    """It is shown once, and valid for three days from the reset or from its confirmation."""
    pending_change_id: UUID | None
    """The change that a second person must confirm; None if the reset has taken effect."""


async def list_accounts(session: AsyncSession, role: str | None, *, only_inactive: bool) -> list[Account]:
    """Return all accounts, or those with a role or without activation, sorted by name.

    Raises:
        InvalidInput: the role does not exist.
    """
    query = select(
        *(getattr(User, name) for name in ("id", "email", "name", "roles", "is_active")),
        col(User.totp_confirmed_at).is_not(None),
        LAST_SIGN_IN,
    )
    if role is not None:
        if role not in STAFF:
            detail = f"The role must be one of: {', '.join(sorted(STAFF))}."
            raise InvalidInput([Fault("/role", "role_unfit", detail)])
        query = query.where(literal(role) == any_(col(User.roles)))
    if only_inactive:
        query = query.where(~col(User.is_active))
    rows: Any = await session.execute(query.order_by(col(User.name), col(User.id)))
    return [Account(*row) for row in rows]


async def disable_account(session: AsyncSession, email: str) -> int:
    """Deactivate a user, and revoke the sessions. Return the number of sessions that were active.

    No rule prevents it, because it removes rights only. A request to activate the user again is withdrawn.

    Raises:
        NotFound: no user has the email address.
    """
    user = await _get_account_for_update(session, email)
    if user.is_active:
        user.is_active, user.version = False, user.version + 1
        await session.flush()
    await withdraw_pending_changes(session, REACTIVATION.name, user.id)
    return await sessions.revoke_sessions(session, user.id, "deactivated")


async def reset_sign_in(session: AsyncSession, email: str, *, removes_second_factor: bool) -> SignInReset:
    """Replace the password of a user by an initial one, and remove the second factor if that is requested.

    Raises:
        Conflict: the user is not active, has no second factor that could be removed, or there is no active user who can
            confirm the reset.
        NotFound: no user has the email address.
    """
    user = await _get_account_for_update(session, email)
    if not user.is_active:
        raise Conflict(f"{user.email} is deactivated; only an administrator can activate the account again.")
    if removes_second_factor and user.totp_confirmed_at is None:
        raise Conflict(f"{user.email} has no second factor; use `users reset-password` for a new password.")
    password = generate_one_time_code()
    password_hash = await hash_password(password)
    if removes_second_factor or not CONFIRMED_ROLES.isdisjoint(user.roles):
        await _require_confirmer(session, user)
        content = {"password_hash": password_hash, "remove_second_factor": removes_second_factor}
        change_id = await request_change(session, PASSWORD_RESET.name, content, person_id=user.id)
        return SignInReset(user.email, password, change_id)
    user.password_hash, user.version = password_hash, user.version + 1
    user.initial_password_expires_at = datetime.now(UTC) + INITIAL_PASSWORD_LIFETIME
    await session.flush()
    await sessions.revoke_sessions(session, user.id, "password_reset")
    return SignInReset(user.email, password, None)


async def _get_account_for_update(session: AsyncSession, email: str) -> User:
    if not email.isprintable():
        raise NotFound("No user has this email address, because it contains invalid characters.")
    user = await find_user_by_email(session, email)
    if user is None:
        raise NotFound(f"No user has the email address {email}.")
    # The log contains the user even if the command is rejected or changes nothing.
    get_accessed_records(session).add(AccessedRecord(None, None, "user", str(user.id)))
    return await get_for_update(session, User, user.id)


async def _require_confirmer(session: AsyncSession, user: User) -> None:
    """Check that an active user other than the person concerned can confirm a reset.

    Raises:
        Conflict: there is none, so that the change would expire.
    """
    confirmers = select(col(User.id)).where(
        col(User.is_active),
        col(User.activation_digest).is_(None),
        col(User.roles).op("&&")(cast(sorted(FIRST_CONFIRMERS), ARRAY(Text))),
    )
    ids = set(await session.scalars(confirmers))
    if not ids:
        raise Conflict("No active user can confirm the reset; run `users create-confirmer` first.")
    if ids == {user.id}:
        raise Conflict(
            f"Only {user.email} could confirm the reset; run `users disable {user.email}`, then `users create-confirmer`."
        )

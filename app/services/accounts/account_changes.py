"""Changes of accounts that need the confirmation of a second person: new rights, reactivation, password reset."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.confirmed_roles import CONFIRMED_ROLES
from app.access.permissions import Role
from app.access.session_records import record_change
from app.errors import Fault, NotFound
from app.kit.pending_changes import ChangeKind, request_change, withdraw_pending_changes
from app.kit.records import get_record
from app.models import PendingChange, TeamMember, User
from app.services.accounts import sessions


async def request_rights(
    session: AsyncSession, user_id: UUID, roles: Collection[str], supervised_team_ids: Collection[str]
) -> None:
    """Request roles and supervised teams for a user, in place of an earlier pending change of the user."""
    if roles or supervised_team_ids:
        payload = {"roles": sorted(roles), "supervised_team_ids": sorted(supervised_team_ids)}
        await request_change(session, RIGHTS.name, payload, person_id=user_id)
    else:
        await withdraw_pending_changes(session, RIGHTS.name, user_id)


def check_role_combination(roles: Collection[str]) -> list[Fault]:
    """Return a fault if the roles include the role of administrator and one with access to children or money."""
    if Role.administrator in roles and not (CONFIRMED_ROLES - {Role.administrator}).isdisjoint(roles):
        detail = "An administrator cannot also have a role with access to data of children or to money."
        return [Fault("/roles", "roles_exclusive", detail)]
    return []


async def _check_rights(session: AsyncSession, change: PendingChange) -> list[Fault]:
    user = await _get_person(session, change)
    unmet = check_role_combination([*user.roles, *change.payload["roles"]])
    if not user.is_active:
        unmet.append(Fault("/person_id", "person_inactive", "The account is deactivated."))
    supervised = await session.scalars(
        select(cast(col(TeamMember.team_id), Text)).where(
            col(TeamMember.user_id) == user.id, col(TeamMember.is_supervisor)
        )
    )
    is_done = set(change.payload["roles"]) <= set(user.roles)
    if is_done and set(change.payload["supervised_team_ids"]) <= set(supervised):
        unmet.append(Fault(None, "already_done", "The person has these rights already."))
    return unmet


async def _check_reactivation(session: AsyncSession, change: PendingChange) -> list[Fault]:
    user = await _get_person(session, change)
    return [Fault(None, "already_done", "The account is active already.")] if user.is_active else []


async def _check_password_reset(session: AsyncSession, change: PendingChange) -> list[Fault]:
    user = await _get_person(session, change)
    return [] if user.is_active else [Fault("/person_id", "person_inactive", "The account is deactivated.")]


async def _get_person(session: AsyncSession, change: PendingChange) -> User:
    if change.person_id is None:
        raise NotFound
    return await get_record(session, User, change.person_id)


async def _revoke_sessions(session: AsyncSession, change: PendingChange) -> None:
    user = await _get_person(session, change)
    await sessions.revoke_sessions(session, user.id, "password_reset")


async def _log_supervised_teams(session: AsyncSession, change: PendingChange) -> None:
    if teams := change.payload["supervised_team_ids"]:
        user = await _get_person(session, change)
        record_change(session, "user", user.id, {"supervised_teams_added": ([], teams)})


def _describe_rights(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"roles": payload["roles"]}


def _describe_reactivation(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _describe_password_reset(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"remove_second_factor": payload["remove_second_factor"]}


RIGHTS = ChangeKind("rights", _check_rights, _describe_rights, target=User, complete=_log_supervised_teams)
REACTIVATION = ChangeKind("reactivation", _check_reactivation, _describe_reactivation, target=User)
PASSWORD_RESET = ChangeKind(
    "password_reset",
    _check_password_reset,
    _describe_password_reset,
    target=User,
    complete=_revoke_sessions,
)

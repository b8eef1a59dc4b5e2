"""The caller of a request. The access token identifies the caller. The roles and teams come from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from app.access.permissions import POLICY, Permission, Role

PERMISSIONS_WITHOUT_ROLE = frozenset(
    {
        Permission.account_own,
        Permission.account_end_session,
        Permission.account_change_password,
        Permission.account_second_factor,
        Permission.account_activate,
        Permission.pending_change_read,
    }
)
"""Permissions of every user, even of a user whose roles all wait for a confirmation."""


class OpenAccess(NamedTuple):
    """The id and the secret of an open access event. Reading with it and concluding it require both."""

    event_id: UUID
    secret: UUID

    @property
    def setting(self) -> str:
        """Value of the database setting `firststep.access` that binds a transaction to this access."""
        return f"{self.event_id} {self.secret}"


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated principal of a request: a user or an API client."""

    id: UUID
    kind: str
    """`person` or `client`."""
    name: str
    roles: frozenset[str]
    agency_id: UUID | None
    """Agency of an API client; None for a user."""
    team_ids: frozenset[UUID]
    supervised_team_ids: frozenset[UUID]
    case_ids: tuple[UUID, ...]
    """Cases that the caller is assigned to as a co-worker or has break-glass access to."""
    session_id: UUID
    access: OpenAccess
    """The open access event of the request, from which the row policies resolve the caller."""
    signed_in_at: int | None
    """Time of the user's last sign-in, in Unix seconds; None for an API client."""

    @classmethod
    def from_opened_access(
        cls,
        opened: Mapping[str, Any],
        *,
        subject_id: UUID,
        kind: str,
        session_id: UUID,
        signed_in_at: int | None = None,
    ) -> "Caller":
        """Return the caller of an access that `app.access.log.open_access` opened."""
        return cls(
            id=subject_id,
            kind=kind,
            name=opened["name"],
            roles=frozenset(opened["roles"]),
            agency_id=opened["agency_id"],
            team_ids=frozenset(opened["team_ids"]),
            supervised_team_ids=frozenset(opened["supervised_team_ids"]),
            case_ids=tuple(opened["case_ids"]),
            session_id=session_id,
            access=OpenAccess(opened["event_id"], opened["secret"]),
            signed_in_at=signed_in_at,
        )

    @property
    def is_partner(self) -> bool:
        """Whether the caller is an API client. An API client can see only the referrals of its own agency."""
        return self.kind == "client"

    def has_permission(self, permission: Permission) -> bool:
        """Return whether the caller has a permission."""
        has_role = not POLICY[permission].isdisjoint(self.roles)
        return has_role or (not self.is_partner and permission in PERMISSIONS_WITHOUT_ROLE)

    def has_role(self, *roles: Role) -> bool:
        """Return whether the caller has at least one of the roles."""
        return not self.roles.isdisjoint(roles)

    def supervises_team(self, team_id: UUID) -> bool:
        """Return whether the caller is a supervisor of the team or a programme manager."""
        return self.has_role(Role.programme_manager) or (
            self.has_role(Role.supervisor) and team_id in self.supervised_team_ids
        )

    def belongs_to_team(self, team_id: UUID) -> bool:
        """Return whether the caller is a member or supervisor of the team, or a programme manager."""
        return team_id in self.team_ids or self.supervises_team(team_id)

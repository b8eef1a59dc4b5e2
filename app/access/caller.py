"""The caller of a request. The access token identifies the caller. The roles and teams come from the database."""

from dataclasses import dataclass
from uuid import UUID

from app.access.permissions import Role


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
    session_id: UUID
    event_id: UUID
    """Access event of the request, from which the row policies resolve the caller."""
    signed_in_at: int | None
    """Time of the user's last sign-in, in Unix seconds; None for an API client."""

    @property
    def is_partner(self) -> bool:
        """Whether the caller is an API client. An API client can see only the referrals of its own agency."""
        return self.kind == "client"

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

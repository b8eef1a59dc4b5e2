"""Who is asking: known from the token, and from what the database says about them at this moment."""

from dataclasses import dataclass
from uuid import UUID

from app.access.permissions import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A member of staff or an API client, during one request."""

    id: UUID
    kind: str
    """person or client."""
    name: str
    roles: frozenset[str]
    agency_id: UUID | None
    """The agency of an API client."""
    team_ids: frozenset[UUID]
    supervised_team_ids: frozenset[UUID]
    session_id: UUID
    event_id: UUID
    """The access this request opened: what row security lets the request see hangs on it."""
    signed_in_at: int | None
    """When the person last proved who they are; Unix seconds."""

    @property
    def is_partner(self) -> bool:
        """Whether this is another organisation's system, which sees its own referrals and nothing else."""
        return self.kind == "client"

    def has_role(self, *roles: Role) -> bool:
        """Whether the actor is any of these."""
        return not self.roles.isdisjoint(roles)

    def leads_team(self, team_id: UUID) -> bool:
        """Whether the actor may decide for a team."""
        return self.has_role(Role.programme_manager) or (
            self.has_role(Role.supervisor) and team_id in self.supervised_team_ids
        )

    def belongs_to_team(self, team_id: UUID) -> bool:
        """Whether the actor works in a team or decides for it."""
        return team_id in self.team_ids or self.leads_team(team_id)

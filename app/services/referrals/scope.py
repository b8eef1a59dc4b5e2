"""Narrows the list of referrals to those that a caller can see, so that PostgreSQL reads them by index."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, bindparam, or_
from sqlmodel import col

from app.access.caller import Caller
from app.kit.case_scope import TEAM_IDS, WORKER_ID, ArmBuilder, CaseScope, Condition, build_conditional_arm
from app.models import Case, Referral

AGENCY_ID = bindparam("scope_agency_id", type_=Uuid)
CONDITIONS = {
    "agency": col(Referral.agency_id) == AGENCY_ID,
    "handed_to": col(Referral.handed_to_id) == WORKER_ID,
    "received_by": col(Referral.received_by_id) == WORKER_ID,
    "without_team": col(Referral.team_id).is_(None),
}
"""Conditions of the arms that need neither a case nor a list of teams."""


class ReferralScope(CaseScope):
    """Restricts a list of referrals to those that the caller can see.

    An agency can see the referrals that it sent. Staff can see the referrals of their cases, and the referrals that they
    received or that are assigned to them. Supervisors can also see the referrals of their teams, and referrals without a
    team. The team of an accepted referral is always the team of its case.
    """

    def __init__(self, *, has_case: bool = True) -> None:
        """Create the scope. `has_case` is false for a list that contains only referrals without a case."""
        super().__init__(col(Referral.case_id), col(Case.id))
        self._has_case = has_case

    @property
    def has_ordered_arms(self) -> bool:
        """Return True, because referrals store the team of their case and have an index on it."""
        return True

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms that apply to the caller. They are part of the key of the compiled query."""
        if caller.is_partner:
            return ("agency",)
        arms = super().list_arms(caller)
        if "all" in arms:
            return arms
        cases = [name for name in arms if self._has_case and name != "teams"]
        queue = ("without_team", "teams") if "teams" in arms else ()
        return (*cases, "handed_to", "received_by", *queue)

    def build_condition(self, names: Sequence[str]) -> Condition:
        """Return the condition that a referral is in one of the arms, for a query that reads the whole set."""
        conditions = [CONDITIONS[name] for name in names if name in CONDITIONS]
        if "teams" in names:
            conditions.append(col(Referral.team_id) == any_(TEAM_IDS))
        cases = [name for name in names if name not in CONDITIONS and name != "teams"]
        return or_(*conditions, *([super().build_condition(cases)] if cases else []))

    def get_parameters(self, caller: Caller) -> dict[str, object]:
        """Return the parameters of the arms."""
        return {**super().get_parameters(caller), "scope_agency_id": caller.agency_id}

    def _get_arm_builders(self) -> dict[str, ArmBuilder]:
        own = {name: build_conditional_arm(condition) for name, condition in CONDITIONS.items()}
        return super()._get_arm_builders() | own

    def _belongs_to_team(self, team_id: ColumnElement[UUID]) -> Condition:
        return col(Referral.team_id) == team_id

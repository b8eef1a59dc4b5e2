"""Narrows lists to the cases that a caller can see, so that PostgreSQL reads them by index.

The row policy of `cases` decides which cases are visible. PostgreSQL applies a policy as a filter to the rows that a query
reads, never as a condition of an index. A list therefore has its own conditions, which an index supports. It is the
union of several selects (arms), one for each reason why a case is visible: the caller leads it, supervises its team, is
assigned to it, or opened it by break-glass. The arms select at least every visible case. The policy removes the cases
that the caller cannot see.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Select,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.models import Case

Condition = ColumnElement[bool]
RowSelect = Select[*tuple[Any, ...]]
ArmSelector = Callable[[Condition], RowSelect]
"""Returns the query of one arm for a condition on its records: sorted, and limited to one page."""
ArmBuilder = Callable[[ArmSelector], RowSelect]
"""Returns the query of one arm of a scope."""

WORKER_ID = bindparam("scope_worker_id", type_=Uuid)
TEAM_IDS = bindparam("scope_team_ids", type_=ARRAY(Uuid))
LED_CASES = col(Case.lead_worker_id) == WORKER_ID
ASSIGNED_CASES = col(Case.id) == any_(bindparam("scope_case_ids", type_=ARRAY(Uuid)))
ARM_CONDITIONS = {"lead": LED_CASES, "assigned": ASSIGNED_CASES, "teams": col(Case.team_id) == any_(TEAM_IDS)}
"""Condition of the cases of each arm."""


def belongs_to_cases(reference: Any, cases: Condition, target: Any = Case.id) -> Condition:
    """Return the condition that `reference` equals the column `target` of a case that meets the condition `cases`.

    The ids are an array. With a subquery, PostgreSQL would scan the index of the sort order, including the records of
    other cases.
    """
    ids = select(target).where(cases).correlate_except(Case).scalar_subquery()
    condition: Condition = reference == any_(func.array(ids, type_=ARRAY(Uuid)))
    return condition


def build_conditional_arm(condition: Condition) -> ArmBuilder:
    """Return the builder of an arm that has one query, of the records that meet a condition."""
    return lambda select_arm: select_arm(condition)


class CaseScope:
    """Restricts a list to the caller's cases."""

    def __init__(
        self,
        reference: Any = None,
        target: Any = None,
        *,
        roles_with_all: frozenset[Role] = frozenset({Role.programme_manager}),
    ) -> None:
        """Create the scope of a list of records that belong to cases, or without arguments, of a list of cases.

        `reference` is the column of the list that refers to the column `target` of cases. `roles_with_all` are the roles
        that can see the records of all cases.
        """
        self._reference = reference
        self._target = target
        self._roles_with_all = roles_with_all

    @property
    def has_ordered_arms(self) -> bool:
        """Whether an index contains the records of each arm in the default order of the list."""
        return self._reference is None

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms that apply to the caller. They are part of the key of the compiled query."""
        if caller.has_role(*self._roles_with_all):
            return ("all",)
        arms = {
            "lead": True,
            "assigned": caller.case_ids,
            "teams": caller.has_role(Role.supervisor) and caller.supervised_team_ids,
        }
        return tuple(name for name, is_present in arms.items() if is_present)

    def build_arms(self, names: Sequence[str], select_arm: ArmSelector) -> list[RowSelect]:
        """Return the queries of the arms."""
        builders = self._get_arm_builders()
        return [builders[name](select_arm) for name in names]

    def build_condition(self, names: Sequence[str]) -> Condition:
        """Return the condition that a record is in one of the arms, for a query that reads the whole set."""
        if "all" in names:
            return true()
        if self._reference is None:
            return or_(*(ARM_CONDITIONS[name] for name in names))
        condition: Condition = self._reference.in_(self.select_targets(names))
        return condition

    def select_targets(self, names: Sequence[str]) -> CompoundSelect[*tuple[Any, ...]]:
        """Select the values of `target` in the cases of the arms, except the arm of all cases."""
        return union_all(*(select(self._target).where(ARM_CONDITIONS[name]) for name in names))

    def get_parameters(self, caller: Caller) -> dict[str, object]:
        """Return the parameters of the arms."""
        return {
            "scope_worker_id": caller.id,
            "scope_case_ids": caller.case_ids,
            "scope_team_ids": list(caller.supervised_team_ids),
        }

    def _get_arm_builders(self) -> dict[str, ArmBuilder]:
        return {
            "lead": build_conditional_arm(self._refer_to(LED_CASES)),
            "assigned": build_conditional_arm(self._refer_to(ASSIGNED_CASES)),
            "teams": self._build_teams,
        }

    def _build_teams(self, select_arm: ArmSelector) -> RowSelect:
        """Return one query per team, so that each reads only one page from the index of cases by team."""
        team_ids = func.unnest(TEAM_IDS)
        team = team_ids.table_valued(column("id", Uuid), name="team").render_derived()
        page = select_arm(self._belongs_to_team(team.c.id)).lateral("team_page")
        return select(*page.c).select_from(team).join(page, true())

    def _belongs_to_team(self, team_id: ColumnElement[UUID]) -> Condition:
        return self._refer_to(col(Case.team_id) == team_id)

    def _refer_to(self, cases: Condition) -> Condition:
        if self._reference is None:
            return cases
        return belongs_to_cases(self._reference, cases, self._target)

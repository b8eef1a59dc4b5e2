"""Schemas of the work that a user leaves, and of its handover to another user."""

from typing import Annotated

from pydantic import Field

from app.schemas.administration import User
from app.schemas.references import CaseRef, TeamRef
from app.schemas.wire import Id, Input, Output, Reason


class RemainingWork(Output):
    """Amount of work that another person must take over if the user cannot act. The numbers contain no data of children."""

    cases: int = Field(description="Number of open cases that the user leads.")
    co_worker_cases: int = Field(description="Number of open cases with the user as a co-worker.")
    support_sessions: int = Field(description="Number of planned support sessions of the user.")
    hearings: int = Field(description="Number of planned legal steps in cases that the user leads.")
    follow_ups: int = Field(description="Number of open follow-ups in cases that the user leads.")
    referrals: int = Field(description="Number of open referrals that are assigned to the user.")
    approvals: int = Field(
        description="Number of assessments, care plans, exit plans and disbursements that wait for a decision in the teams of "
        "which the user is the only supervisor."
    )
    only_supervisor_of: list[TeamRef] = Field(
        description="Teams without another supervisor who can act. Programme managers act for them."
    )


class UserWithRemainingWork(User):
    """A user after a change, with the open work that the user has."""

    remaining_work: RemainingWork = Field(
        description="Open work of the user. After a deactivation, it is on the agenda of the supervisors, or of the programme "
        "managers, until it is handed over."
    )


class HandoverRequest(Input):
    """A handover of the work of a user."""

    to_user_id: Id = Field(description="Id of the user who takes the work.")
    reason: Reason = Field(
        description="Reason for the handover. It becomes part of the history of each case."
    )
    case_ids: Annotated[list[Id], Field(max_length=500)] | None = Field(
        None,
        description="Only these cases, which the caller can see, so that several users can share the work. By default, all cases and referrals.",
    )


class RemainingCase(Output):
    """A case that the receiver of a handover cannot take."""

    case: CaseRef = Field(description="The case.")
    reason: str = Field(
        description="Reason why the receiver cannot take the case: `not_in_team` or `wall` (a conflict wall)."
    )


class Handover(Output):
    """The result of a handover."""

    cases: list[CaseRef] = Field(description="The cases that were transferred.")
    referrals: int = Field(description="Number of open referrals that were transferred.")
    remaining_cases: list[RemainingCase] = Field(
        description="The cases that stay with the user, because the receiver cannot take them."
    )
    remaining_work: RemainingWork = Field(description="The open work that the user still has.")

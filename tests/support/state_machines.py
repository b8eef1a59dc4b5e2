"""The state machines of the application, by table, for tests that compare them with the rules of the database."""

from collections.abc import Sequence
from typing import Any

from app.kit.state_machine import Transition
from app.services.assessments import states as assessment_states
from app.services.care_plans import review_states
from app.services.care_plans import states as care_plan_states
from app.services.cases import states as case_states
from app.services.exit import follow_up_states
from app.services.exit import states as exit_plan_states
from app.services.fund import deposits as fund_deposits
from app.services.fund import states as disbursement_states
from app.services.fund import transfers as fund_transfers
from app.services.referrals import states as referral_states
from app.services.releases import states as release_states
from app.services.support import service_referral_states, session_states

STATE_MACHINES: dict[str, Any] = {
    "assessments": assessment_states,
    "care_plans": care_plan_states,
    "cases": case_states,
    "deposits": fund_deposits,
    "disbursements": disbursement_states,
    "exit_plans": exit_plan_states,
    "follow_ups": follow_up_states,
    "fund_transfers": fund_transfers,
    "referrals": referral_states,
    "releases": release_states,
    "reviews": review_states,
    "service_referrals": service_referral_states,
    "support_sessions": session_states,
}


def get_statuses(states: Any) -> set[str]:
    """Return every status of a state machine."""
    transitions: Sequence[Transition] = states.TRANSITIONS
    sources = {source for transition in transitions for source in transition.sources}
    return {states.INITIAL_STATUS, *sources, *(transition.target for transition in transitions)}


def get_status_changes(states: Any) -> set[str]:
    """Return the changes of a state machine from one status to another, such as 'draft submitted'."""
    return {
        f"{source} {transition.target}"
        for transition in states.TRANSITIONS
        for source in transition.sources
        if source != transition.target
    }

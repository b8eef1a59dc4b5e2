"""The life of an exit plan, and what must stand in it before a supervisor approves it."""

from collections.abc import Iterator
from itertools import pairwise

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition
from app.schemas.codes import get_codes
from app.schemas.exit_plans import ExitPlanUpdate

INITIAL_STATUS = "draft"

APPROVE = Transition(
    "approve",
    frozenset({"draft"}),
    "approved",
    Permission.exit_plan_decide,
    "by a supervisor of the team who did not write it; the checklist answered; unless the end is unplanned, a taper "
    "of contacts that never rise, and follow-ups after 1, 3 and 6 months",
)
REVISE = Transition("write anew", frozenset({"approved"}), "draft", Permission.exit_plan_write)

TRANSITIONS = (APPROVE, REVISE)

UNPLANNED_REASON_CODES = frozenset(
    {
        "died",
        "moved_away",
        "cannot_be_found",
        "consent_withdrawn",
        "no_longer_wishes",
        "duplicate",
        "transferred",
    }
)
"""Reasons for which a case ends from wherever it is: without a final review or a taper, and with the follow-ups that its
own plan names."""

REASON_CODES_WITHOUT_FEEDBACK = frozenset({"died", "duplicate"})
"""Reasons after which nobody is followed up on, whatever the plan says."""

FOLLOW_UP_MONTHS = (1, 3, 6)
"""Months after the exit at which FSC asks how the child is."""


def check_exit_plan(plan: ExitPlanUpdate, *, is_planned: bool) -> Iterator[Fault]:
    """Yield what is missing from an exit plan (the gate 'exit')."""
    for condition in get_codes("exit_condition"):
        answer = plan.checklist.get(condition)
        if answer is None:
            yield Fault(
                f"/checklist/{condition}", "condition_unanswered", "Answer every condition of the checklist."
            )
        elif not answer.met and answer.note is None:
            detail = "Not met: say why the case may end all the same."
            yield Fault(f"/checklist/{condition}/note", "note_missing", detail)
    if is_planned:
        yield from _check_taper(plan)
        if not set(FOLLOW_UP_MONTHS) <= set(plan.follow_up_months):
            detail = "Follow up on the child 1, 3 and 6 months after the exit."
            yield Fault("/follow_up_months", "follow_ups_missing", detail)


def _check_taper(plan: ExitPlanUpdate) -> Iterator[Fault]:
    if plan.ends_on is None:
        yield Fault("/ends_on", "ends_on_missing", "Say on which day support is to end.")
    falls = all(
        before.starts_on < after.starts_on and before.contacts_per_month >= after.contacts_per_month
        for before, after in pairwise(plan.taper)
    )
    if not plan.taper or not falls:
        detail = "At least one step; each later than the one before it, and with no more contacts."
        yield Fault("/taper", "taper_not_falling", detail)
    elif plan.ends_on is not None and plan.taper[-1].starts_on > plan.ends_on:
        yield Fault("/taper", "taper_after_end", "The last step begins before support ends.")

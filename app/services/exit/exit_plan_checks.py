"""Conditions on the content of an exit plan (gate "exit").

They are checked at its approval and when the case is closed.
"""

from collections.abc import Iterator
from itertools import pairwise

from app.errors import Fault
from app.schemas.codes import get_codes
from app.schemas.exit_plans import ExitPlanUpdate

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
"""Closure reasons with which support ends unplanned. A final review, a taper and follow-ups are then not required."""

REASON_CODES_WITHOUT_FOLLOW_UPS = frozenset({"died", "duplicate"})
"""Closure reasons after which no follow-ups are created, even if the exit plan contains some."""

FOLLOW_UP_MONTHS = (1, 3, 6)
"""Follow-ups that are required if support ends as planned, in months after the closing of the case."""


def check_exit_plan(plan: ExitPlanUpdate, *, is_planned: bool) -> Iterator[Fault]:
    """Yield the unmet conditions on the content of an exit plan."""
    for condition in get_codes("exit_condition"):
        answer = plan.checklist.get(condition)
        if answer is None:
            yield Fault(f"/checklist/{condition}", "condition_unanswered", "This condition must be answered.")
        elif not answer.met and answer.note is None:
            detail = "A note is required, because the condition is not met: the reason why the case can end nevertheless."
            yield Fault(f"/checklist/{condition}/note", "note_missing", detail)
    if is_planned:
        yield from _check_taper(plan)
        if not set(FOLLOW_UP_MONTHS) <= set(plan.follow_up_months):
            detail = "Follow-ups 1, 3 and 6 months after the closing are required."
            yield Fault("/follow_up_months", "follow_ups_missing", detail)


def _check_taper(plan: ExitPlanUpdate) -> Iterator[Fault]:
    if plan.ends_on is None:
        yield Fault("/ends_on", "ends_on_missing", "The date on which support ends is required.")
    is_falling = all(
        previous.starts_on < following.starts_on
        and previous.contacts_per_month >= following.contacts_per_month
        for previous, following in pairwise(plan.taper)
    )
    if not plan.taper or not is_falling:
        detail = "At least one step is required. Each step must start later than the previous one and have at most as many contacts."
        yield Fault("/taper", "taper_not_falling", detail)
    elif plan.ends_on is not None and plan.taper[-1].starts_on > plan.ends_on:
        yield Fault("/taper", "taper_after_end", "The last step must start before support ends.")

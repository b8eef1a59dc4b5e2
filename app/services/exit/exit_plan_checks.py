"""Conditions on the content of an exit plan (gate "exit").

They are checked at its approval and when the case is closed.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from app.errors import Fault
from app.kit.dates import today
from app.models import Case
from app.schemas.codes import get_codes
from app.schemas.exit_plans import ExitConditionAnswer, ExitPlanUpdate

UNPLANNED_REASON_CODES = frozenset(
    {
        "died",
        "moved_away",
        "cannot_be_found",
        "consent_withdrawn",
        "no_longer_wishes",
        "duplicate",
        "opened_in_error",
        "transferred",
    }
)
"""Closure reasons with which support ends unplanned. A final review, a taper and follow-ups are then not required."""

REASON_CODES_WITHOUT_FOLLOW_UPS = frozenset({"died", "duplicate", "opened_in_error"})
"""Closure reasons after which no follow-ups are created, even if the exit plan contains some."""

HSB_KINDS = frozenset({"hsb", "both"})
"""Kinds of cases that have an outcome for harmful sexual behaviour."""

FOLLOW_UP_MONTHS = (1, 3, 6)
"""Follow-ups that are required if support ends as planned, in months after the closing of the case."""

SHORT_TAPER_DAYS = 28
"""A taper of fewer days, from its first step to the end of support, needs a reason."""


def split_checklist(checklist: Mapping[str, ExitConditionAnswer]) -> tuple[list[str], list[str]]:
    """Return the conditions that are met and those that are not, in the order of the code list."""
    answered = [code for code in get_codes("exit_condition") if code in checklist]
    return (
        [code for code in answered if checklist[code].met],
        [code for code in answered if not checklist[code].met],
    )


def check_hsb_outcome(case: Case, hsb_outcome: str | None) -> list[Fault]:
    """Return a fault if an outcome for harmful sexual behaviour is given for a case of another kind."""
    if hsb_outcome is None or case.kind in HSB_KINDS:
        return []
    detail = "The case is of the kind `survivor`, so that `hsb_outcome` must be null."
    return [Fault("/hsb_outcome", "not_asked", detail)]


def to_hsb_outcome(case: Case, hsb_outcome: str | None) -> str | None:
    """Return the outcome to store: `unknown` if none is given for a child with harmful sexual behaviour."""
    return (hsb_outcome or "unknown") if case.kind in HSB_KINDS else None


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
    elif plan.note is None and _is_taper_short(plan):
        detail = f"The taper is shorter than {SHORT_TAPER_DAYS} days. The note must give the reason."
        yield Fault("/note", "taper_short", detail)


def _is_taper_short(plan: ExitPlanUpdate) -> bool:
    return plan.ends_on is not None and (plan.ends_on - plan.taper[0].starts_on).days < SHORT_TAPER_DAYS


def check_dates_ahead(plan: ExitPlanUpdate) -> Iterator[Fault]:
    """Yield a fault for each date that has passed when a plan for a planned end is approved. Today has not passed."""
    current_date = today()
    for index, step in enumerate(plan.taper):
        if step.starts_on < current_date:
            yield Fault(f"/taper/{index}/from", "taper_past", "The step must begin today or later.")
    if plan.ends_on is not None and plan.ends_on < current_date:
        yield Fault("/ends_on", "end_past", "Support must end today or later.")


def check_dates_reached(plan: ExitPlanUpdate) -> Iterator[Fault]:
    """Yield a fault for each date that a planned end must reach before the case is closed."""
    current_date = today()
    if any(step.starts_on > current_date for step in plan.taper):
        yield Fault("/taper", "taper_not_reached", "The last step of the taper must have begun.")
    if plan.ends_on is not None and plan.ends_on > current_date:
        yield Fault("/ends_on", "end_not_reached", "The day on which support ends must have been reached.")


def check_conditions_met(plan: ExitPlanUpdate) -> Iterator[Fault]:
    """Yield a fault for each condition that is not met, for a closure because the goals of support were reached."""
    for condition, answer in plan.checklist.items():
        if not answer.met:
            detail = (
                "The condition must be met for the reason `goals_met`. Another reason can be used otherwise."
            )
            yield Fault(f"/checklist/{condition}/met", "condition_not_met", detail)

"""The plots of the demonstration: when each invented child came, how far it has come, how its areas of life change.

A story follows from its number and from today alone: the same caseload every time, at every hour of a day.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from app.kit.dates import add_months

CasePhase = Literal["assessment", "planning", "active", "exiting", "closed"]
ApprovalStage = Literal["none", "draft", "submitted", "returned"]

CASE_SCENARIO_COUNT = 120
"""Stories there are."""
PREFERRED_NUMBERS = (90, 3, 115, 62, 103, 77, 92, 20, 21, 51, 116, 98)
"""Which are told first where only some are: of every kind one."""
NUMBER_STRIDE = 37
"""From one of the others to the next: without a common divisor with their number, it comes to all of them."""
OLDEST_CASE_DAYS, NEWEST_CASE_DAYS = 790, 4
"""Days ago that the first case opened, 26 months, and the last."""
CASELOAD_GROWTH = 2.0
"""Above 1, more children came lately than at first."""
FIRST_ASSESSMENT_NUMBER, FIRST_PLANNING_NUMBER = 108, 100
"""The newest cases are in assessment; those before them, in planning."""
APPROVAL_STAGES: tuple[ApprovalStage, ...] = ("draft", "submitted", "returned", "submitted", "draft", "none")
EXITING_NUMBERS = frozenset({11, 20, 32, 44, 62})
UNPLANNED_CLOSE_REASONS = {15: "moved_away", 33: "no_longer_wishes", 51: "cannot_be_found", 63: "transferred"}
"""Cases that end before their time, and why."""
EXTENDED_NUMBERS = frozenset({1, 4, 6})
EARLY_CLOSED_NUMBERS = frozenset({2, 5, 7})
CLOSED_NUMBERS_END, CLOSED_NUMBERS_INTERVAL = 66, 3
"""Of the older cases every third one is closed."""
REOPENED_NUMBERS = frozenset({3, 24})
TRANSFERRED_NUMBERS = frozenset({17, 40})
LINKED_PAIRS = ((20, 21), (64, 65))
"""A survivor and a child with harmful sexual behaviour of one family, in two teams."""

REFERRAL_OUTCOMES = (
    "received",
    "received",
    "acknowledged",
    "asked",
    "received",
    "declined",
    "withdrawn",
    "asked",
    "declined",
)
"""What became of the referrals that are no cases, the latest first."""

AREAS = (
    "emotional_health", "physical_health", "shelter_safety", "behaviour", "relationships", "education", "legal",
)  # fmt: skip
WEAKEST_AREA_BY_KIND = {"survivor": "emotional_health", "hsb": "behaviour", "both": "emotional_health"}
RATING_CHANGES_BY_TREND = {1: (0.2, 0.7), 0: (-0.1, 0.2), -1: (-0.4, 0.0)}
"""By how much a rating moves from one review to the next."""
RATING_VARIATIONS = (0, 0, 0, 0, 0, 0.8, -0.8)
CASE_KINDS = ("survivor", "survivor", "hsb", "survivor", "both", "survivor", "survivor", "hsb")


@dataclass(frozen=True, slots=True)
class CaseScenario:
    """One child's story, as far as it is decided before it is played."""

    number: int
    today: date
    kind: str
    opened_on: date
    phase: CasePhase
    approval_stage: ApprovalStage
    """How far the assessment or the plan has come with which the case waits."""
    is_khmer: bool
    trend: int
    """1: things get better; 0: they hardly change; -1: they get worse."""

    @property
    def last_day(self) -> date:
        """The last day that is played: nothing happens in hours of today that may still be ahead."""
        return self.today - timedelta(days=1)

    @property
    def is_siem_reap(self) -> bool:
        """Whether the team of Siem Reap carries the case."""
        return self.number % 2 == 0

    def initial_ratings(self) -> dict[str, int]:
        """Return how the areas were at first, 1 (weak) to 4 (strong)."""
        draw = Random(f"areas {self.number}")
        found = {area: draw.choice((1, 2, 3, 3, 3, 4)) for area in AREAS}
        found[WEAKEST_AREA_BY_KIND[self.kind]] = draw.choice((1, 1, 2))
        return found

    def ratings_at_review(self, review: int) -> dict[str, int]:
        """Return how the areas are at a review, counted from 1: each at its own pace, with a better or worse day."""
        pace, day = Random(f"pace {self.number}"), Random(f"areas {self.number} at {review}")
        return {
            area: min(
                4,
                max(
                    1,
                    round(
                        rating
                        + review * pace.uniform(*RATING_CHANGES_BY_TREND[self.trend])
                        + day.choice(RATING_VARIATIONS)
                    ),
                ),
            )
            for area, rating in self.initial_ratings().items()
        }


def build_case_scenarios(count: int, today: date) -> list[CaseScenario]:
    """Return so many stories, the longest ago first: with few of them there are still some of every kind."""
    numbers = dict.fromkeys(
        (
            *PREFERRED_NUMBERS,
            *(turn * NUMBER_STRIDE % CASE_SCENARIO_COUNT for turn in range(CASE_SCENARIO_COUNT)),
        )
    )
    return [_build_scenario(number, today) for number in sorted(list(numbers)[:count])]


def build_referral_scenarios(today: date) -> list[CaseScenario]:
    """Return the referrals that are no cases: of the last days, and some of longer ago."""
    return [
        replace(
            _build_scenario(CASE_SCENARIO_COUNT - 1, today),
            number=CASE_SCENARIO_COUNT + turn,
            opened_on=to_workday(today - timedelta(days=1 + 2 * turn)),
        )
        for turn in range(len(REFERRAL_OUTCOMES))
    ]


def _build_scenario(number: int, today: date) -> CaseScenario:
    age = ((CASE_SCENARIO_COUNT - 1 - number) / (CASE_SCENARIO_COUNT - 1)) ** CASELOAD_GROWTH
    ago = NEWEST_CASE_DAYS + round((OLDEST_CASE_DAYS - NEWEST_CASE_DAYS) * age)
    return CaseScenario(
        number=number,
        today=today,
        kind=_choose_kind(number),
        opened_on=to_workday(today - timedelta(days=ago)),
        phase=_choose_phase(number),
        approval_stage=APPROVAL_STAGES[number % len(APPROVAL_STAGES)],
        is_khmer=number % 4 in {1, 2},
        trend=-1 if number % 10 == 7 else 0 if number % 10 == 3 else 1,
    )


def _choose_kind(number: int) -> str:
    for survivor, other in LINKED_PAIRS:
        if number in {survivor, other}:
            return "survivor" if number == survivor else "hsb"
    return CASE_KINDS[number % len(CASE_KINDS)]


def _choose_phase(number: int) -> CasePhase:
    if number >= FIRST_ASSESSMENT_NUMBER:
        return "assessment"
    if number >= FIRST_PLANNING_NUMBER:
        return "planning"
    if number in EXITING_NUMBERS:
        return "exiting"
    if number in EARLY_CLOSED_NUMBERS or (
        number < CLOSED_NUMBERS_END
        and number % CLOSED_NUMBERS_INTERVAL == 0
        and number not in EXTENDED_NUMBERS
    ):
        return "closed"
    return "active"


def to_workday(day: date) -> date:
    """Return the same day, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def plan_review_days(story: CaseScenario, planned_on: date) -> list[date]:
    """Return the days on which the reviews are held, beginning three months after the plan; some come late.

    Of a few active cases the last one is overdue; of a case that ends, the last one is the final review.
    """
    draw = Random(f"reviews {story.number}")
    days: list[date] = []
    due = add_months(planned_on, 3)
    while (held := to_workday(due + timedelta(days=draw.randrange(-6, 7)))) <= story.last_day:
        days.append(held)
        due = add_months(held, 3)
    if story.phase == "closed":
        return days[: _count_reviews_before_closing(story, days)]
    if story.phase == "active" and story.number % 9 == 4 and days and (story.last_day - days[-1]).days < 50:
        return days[:-1]
    return days


def _count_reviews_before_closing(story: CaseScenario, days: list[date]) -> int:
    """Return how many reviews a case has seen that has ended since: after the last one its end takes its time."""
    if story.number in UNPLANNED_CLOSE_REASONS:
        return min(sum(unplanned_closing_day(day) < story.last_day for day in days), 1 + story.number % 3)
    latest = min(story.last_day, add_months(story.opened_on, 24))
    in_time = sum(exit_end_day(day) < latest for day in days)
    return min(in_time, 3 if story.number in REOPENED_NUMBERS else 2 + story.number % 6)


def unplanned_closing_day(seen: date) -> date:
    """Return when a case is closed whose child was last seen on a day, and is gone since."""
    return to_workday(seen + timedelta(days=45))


def exit_end_day(began: date) -> date:
    """Return when support ends, for an exit that begins on a day."""
    return to_workday(began + timedelta(days=60))

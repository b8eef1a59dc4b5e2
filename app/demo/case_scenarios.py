"""The scenarios of the demonstration: opening date, phase and ratings of each invented case.

A scenario depends on its number and the current date only, so every run on one day creates the same caseload.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from app.kit.dates import add_months

CasePhase = Literal["assessment", "planning", "active", "exiting", "closed"]
ApprovalStage = Literal["none", "draft", "submitted", "returned"]

CASE_SCENARIO_COUNT = 120
"""Number of scenarios. They are numbered from 0, and a higher number opens later."""
PREFERRED_NUMBERS = (90, 3, 115, 62, 103, 77, 92, 20, 21, 51, 116, 98)
"""The first scenarios of a smaller caseload: they include one of every kind and phase."""
NUMBER_STRIDE = 37
"""Step between the other scenarios of a smaller caseload. It is coprime to the count and therefore reaches all of them."""
OLDEST_CASE_DAYS, NEWEST_CASE_DAYS = 790, 4
"""Age in days of the first case (26 months) and of the last case."""
CASELOAD_GROWTH = 2.0
"""Exponent of the distribution of opening dates. Above 1, recent months open more cases than earlier months."""
FIRST_ASSESSMENT_NUMBER, FIRST_PLANNING_NUMBER = 108, 100
"""First numbers of the cases in the phases `assessment` and `planning`. Older cases are in later phases."""
APPROVAL_STAGES: tuple[ApprovalStage, ...] = ("draft", "submitted", "returned", "submitted", "draft", "none")
EXITING_NUMBERS = frozenset({11, 20, 32, 44, 62})
UNPLANNED_CLOSE_REASONS = {15: "moved_away", 33: "no_longer_wishes", 51: "cannot_be_found", 63: "transferred"}
"""Reason code of the cases that close without a completed care plan."""
EXTENDED_NUMBERS = frozenset({1, 4, 6})
EARLY_CLOSED_NUMBERS = frozenset({2, 5, 7})
CLOSED_NUMBERS_END, CLOSED_NUMBERS_INTERVAL = 66, 3
"""Below this number, every third case is closed."""
REOPENED_NUMBERS = frozenset({3, 24})
TRANSFERRED_NUMBERS = frozenset({17, 40})
LINKED_PAIRS = ((20, 21), (64, 65))
"""Survivors linked with a child who displays harmful sexual behaviour. The two are cousins and have different teams."""
LINKED_NUMBERS = frozenset(number for pair in LINKED_PAIRS for number in pair)

REFERRAL_OUTCOMES = (
    "received",
    "received",
    "acknowledged",
    "information_requested",
    "received",
    "declined",
    "withdrawn",
    "information_requested",
    "declined",
    "reinstated",
)
"""Final status of each referral that has no case, the latest referral first."""

AREAS = (
    "emotional_health", "physical_health", "shelter_safety", "behaviour", "relationships", "education", "legal",
)  # fmt: skip
WEAKEST_AREA_BY_KIND = {"survivor": "emotional_health", "hsb": "behaviour", "both": "emotional_health"}
RATING_CHANGES_BY_TREND = {1: (0.2, 0.7), 0: (-0.1, 0.2), -1: (-0.4, 0.0)}
"""Range of the change of a rating between two reviews."""
RATING_VARIATIONS = (0, 0, 0, 0, 0, 0.8, -0.8)
CASE_KINDS = ("survivor", "survivor", "hsb", "survivor", "both", "survivor", "survivor", "hsb")


@dataclass(frozen=True, slots=True)
class CaseScenario:
    """Facts of one case that are fixed before the simulation."""

    number: int
    today: date
    kind: str
    opened_on: date
    phase: CasePhase
    approval_stage: ApprovalStage
    """Status of the assessment or care plan of a case that waits for it."""
    is_khmer: bool
    """Whether the texts of the case are in Khmer."""
    trend: int
    """Development of the ratings: 1 better, 0 unchanged, -1 worse."""

    @property
    def last_day(self) -> date:
        """The last simulated day. It is yesterday, so that no event is in the future."""
        return self.today - timedelta(days=1)

    @property
    def is_siem_reap(self) -> bool:
        """Whether the team of Siem Reap opens the case."""
        return self.number % 2 == 0

    def initial_ratings(self) -> dict[str, int]:
        """Return the rating of each area in the first assessment, from 1 (weak) to 4 (strong)."""
        rng = Random(f"areas {self.number}")
        ratings = {area: rng.choice((1, 2, 3, 3, 3, 4)) for area in AREAS}
        ratings[WEAKEST_AREA_BY_KIND[self.kind]] = rng.choice((1, 1, 2))
        return ratings

    def ratings_at_review(self, review: int) -> dict[str, int]:
        """Return the rating of each area at a review. Reviews are counted from 1."""
        pace_rng = Random(f"pace {self.number}")
        review_rng = Random(f"areas {self.number} at {review}")
        return {
            area: min(
                4,
                max(
                    1,
                    round(
                        rating
                        + review * pace_rng.uniform(*RATING_CHANGES_BY_TREND[self.trend])
                        + review_rng.choice(RATING_VARIATIONS)
                    ),
                ),
            )
            for area, rating in self.initial_ratings().items()
        }


def build_case_scenarios(count: int, today: date) -> list[CaseScenario]:
    """Return the scenarios of a caseload of `count` cases, the oldest case first."""
    numbers = dict.fromkeys(
        (
            *PREFERRED_NUMBERS,
            *(turn * NUMBER_STRIDE % CASE_SCENARIO_COUNT for turn in range(CASE_SCENARIO_COUNT)),
        )
    )
    return [_build_scenario(number, today) for number in sorted(list(numbers)[:count])]


def build_referral_scenarios(today: date) -> list[CaseScenario]:
    """Return the scenarios of the referrals that have no case, the latest first."""
    return [
        replace(
            _build_scenario(CASE_SCENARIO_COUNT - 1, today),
            number=CASE_SCENARIO_COUNT + index,
            opened_on=to_workday(today - timedelta(days=1 + 2 * index)),
        )
        for index in range(len(REFERRAL_OUTCOMES))
    ]


def _build_scenario(number: int, today: date) -> CaseScenario:
    relative_age = ((CASE_SCENARIO_COUNT - 1 - number) / (CASE_SCENARIO_COUNT - 1)) ** CASELOAD_GROWTH
    age_days = NEWEST_CASE_DAYS + round((OLDEST_CASE_DAYS - NEWEST_CASE_DAYS) * relative_age)
    return CaseScenario(
        number=number,
        today=today,
        kind=_choose_kind(number),
        opened_on=to_workday(today - timedelta(days=age_days)),
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
    """Return the day itself, or the Friday before it if it is on a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def plan_review_days(scenario: CaseScenario, planned_on: date) -> list[date]:
    """Return the dates of the reviews, about every three months after the approval of the care plan.

    Some active cases have an overdue review. The last review of a case that closes is the final review.
    """
    rng = Random(f"reviews {scenario.number}")
    days: list[date] = []
    due = add_months(planned_on, 3)
    while (held_on := to_workday(due + timedelta(days=rng.randrange(-6, 7)))) <= scenario.last_day:
        days.append(held_on)
        due = add_months(held_on, 3)
    if scenario.phase == "closed":
        return days[: _count_reviews_before_closing(scenario, days)]
    if (
        scenario.phase == "active"
        and scenario.number % 9 == 4
        and days
        and (scenario.last_day - days[-1]).days < 50
    ):
        return days[:-1]
    return days


def _count_reviews_before_closing(scenario: CaseScenario, days: list[date]) -> int:
    """Return the number of reviews of a closed case. The time between the last review and the closing must have passed."""
    if scenario.number in UNPLANNED_CLOSE_REASONS:
        return min(
            sum(unplanned_closing_day(day) < scenario.last_day for day in days), 1 + scenario.number % 3
        )
    latest = min(scenario.last_day, add_months(scenario.opened_on, 24))
    possible_count = sum(exit_end_day(day) < latest for day in days)
    return min(possible_count, 3 if scenario.number in REOPENED_NUMBERS else 2 + scenario.number % 6)


def unplanned_closing_day(last_contact_on: date) -> date:
    """Return the closing date of a case without a planned exit."""
    return to_workday(last_contact_on + timedelta(days=45))


def exit_end_day(started_on: date) -> date:
    """Return the date on which an exit that starts on a day is completed."""
    return to_workday(started_on + timedelta(days=60))

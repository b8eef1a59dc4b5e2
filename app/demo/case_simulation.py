"""The state of one simulated case: its staff, its clock and its texts."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import CaseScenario, to_workday
from app.demo.organisation import DemoContext
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import freeze_time
from app.schemas.care_plans import CarePlan as CarePlanSchema

OFFICE_OPENING_HOUR = 8
TIME_BETWEEN_ACTIONS = timedelta(minutes=2)
INITIAL_TIME = datetime(2000, 1, 1, tzinfo=CAMBODIA_TIMEZONE)
_TEXTS_FILE = Path(__file__).with_name("texts.json")


@cache
def _load_texts() -> dict[str, Any]:
    texts: dict[str, Any] = json.loads(_TEXTS_FILE.read_bytes())
    return texts


def _get_texts(path: tuple[str, ...]) -> Any:
    texts: Any = _load_texts()
    for name in path:
        texts = texts[name]
    return texts


@dataclass(frozen=True, slots=True)
class TextPicker:
    """Chooses texts of `texts.json` at random, in one language."""

    is_khmer: bool
    rng: Random

    def choose_text(self, *path: str) -> str:
        """Return one of the texts under a path."""
        return self.get_text(self.rng.choice(self.list_entries(*path)))

    def list_entries(self, *path: str) -> list[list[str]]:
        """Return the entries under a path. An entry is an optional code, the English text and the Khmer text."""
        texts = _get_texts(path)
        return texts if isinstance(texts[0], list) else [texts]

    def list_codes(self, *path: str) -> list[str]:
        """Return the names under a path."""
        return list(_get_texts(path))

    def get_text(self, entry: list[str]) -> str:
        """Return the text of an entry in the chosen language."""
        return entry[-1] if self.is_khmer else entry[-2]


@dataclass(slots=True)
class CaseSimulation:
    """The state of a case while its scenario runs through the services."""

    context: DemoContext
    scenario: CaseScenario
    team: str
    worker: str
    supervisor: str
    rng: Random
    texts: TextPicker
    case_id: UUID
    supporter_id: UUID | None = None
    family_member_id: UUID | None = None
    consent_id: UUID | None = None
    current_plan: CarePlanSchema | None = None
    """The approved care plan of the child."""
    last_action_at: datetime = INITIAL_TIME
    actions_per_day: Counter[date] = field(default_factory=Counter)

    @classmethod
    def create(cls, context: DemoContext, scenario: CaseScenario, case_id: UUID) -> "CaseSimulation":
        """Return the simulation of a case that has just been opened."""
        team = initial_team(scenario)
        rng = Random(f"life {scenario.number}")
        return cls(
            context=context,
            scenario=scenario,
            team=team,
            worker=initial_worker(scenario),
            supervisor=initial_supervisor(scenario),
            rng=rng,
            texts=TextPicker(scenario.is_khmer, rng),
            case_id=case_id,
        )

    def choose_text(self, *path: str) -> str:
        """Choose one of the texts under a path of `texts.json`, in the language of the case."""
        return self.texts.choose_text(*path)

    def day_after_opening(self, days: int) -> date:
        """Return the date a number of days after the opening of the case, at most the last simulated day."""
        return min(self.scenario.opened_on + timedelta(days=days), self.scenario.last_day)

    def freeze_day(self, day: date, hour: int = OFFICE_OPENING_HOUR) -> AbstractContextManager[None]:
        """Set the clock to an hour of a working day, later than every earlier action on that day.

        A day after the last simulated day is replaced with the last one.
        """
        day = to_workday(min(day, self.scenario.last_day))
        self.actions_per_day[day] += 1
        first_time = datetime.combine(day, time(hour, 11 * self.scenario.number % 60), CAMBODIA_TIMEZONE)
        self.last_action_at = first_time + self.actions_per_day[day] * TIME_BETWEEN_ACTIONS
        return freeze_time(self.last_action_at.astimezone(UTC))

    def freeze_next_moment(self) -> AbstractContextManager[None]:
        """Set the clock to a moment after the last action."""
        self.actions_per_day[self.last_action_at.date()] += 1
        self.last_action_at += TIME_BETWEEN_ACTIONS
        return freeze_time(self.last_action_at.astimezone(UTC))

    @asynccontextmanager
    async def run_as(
        self, mailbox: str, permission: Permission, day: date
    ) -> AsyncIterator[tuple[AsyncSession, Caller]]:
        """Run as a member of staff, with the clock set to a day."""
        async with self.context.run_as(mailbox, permission) as (session, caller):
            with self.freeze_day(day):
                yield session, caller

    def run_as_lead_worker(
        self, permission: Permission
    ) -> AbstractAsyncContextManager[tuple[AsyncSession, Caller]]:
        """Run as the lead worker. Set the clock with `freeze_day` in the block."""
        return self.context.run_as(self.worker, permission)

    def move_to_team(self, team: str) -> None:
        """Change the team, the lead worker and the supervisor."""
        self.team = team
        self.worker = demo_people.WORKERS[team][self.scenario.number % 3]
        self.supervisor = demo_people.SUPERVISORS[team][0]


def initial_team(scenario: CaseScenario) -> str:
    """Return the team that opens the case."""
    return "Siem Reap" if scenario.is_siem_reap else "Phnom Penh"


def initial_worker(scenario: CaseScenario) -> str:
    """Return the mailbox of the first lead worker."""
    return demo_people.WORKERS[initial_team(scenario)][scenario.number // 2 % 3]


def initial_supervisor(scenario: CaseScenario) -> str:
    """Return the mailbox of the supervisor who accepts the referral."""
    return demo_people.SUPERVISORS[initial_team(scenario)][scenario.number // 2 % 5 // 4]

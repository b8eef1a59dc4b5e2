"""One invented child's life as it is played: who works on the case, on which days, in whose words."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import CaseScenario, to_workday
from app.demo.organisation import DemoContext
from app.demo.texts import TextPicker
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import freeze_time
from app.schemas.care_plans import CarePlan as CarePlanSchema

OFFICE_OPENING_HOUR = 8
TIME_BETWEEN_ACTIONS = timedelta(minutes=2)
INITIAL_TIME = datetime(2000, 1, 1, tzinfo=CAMBODIA_TIMEZONE)


@dataclass(slots=True)
class CaseSimulation:
    """What is known of one child while its story is played."""

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
    """The child's plan in force."""
    last_action_at: datetime = INITIAL_TIME
    """When the last act was."""
    actions_per_day: Counter[date] = field(default_factory=Counter)
    """How many there were on a day."""

    @classmethod
    def create(cls, stage: DemoContext, story: CaseScenario, case_id: UUID) -> "CaseSimulation":
        """Return a child's life at its beginning."""
        team = initial_team(story)
        draw = Random(f"life {story.number}")
        return cls(
            context=stage,
            scenario=story,
            team=team,
            worker=initial_worker(story),
            supervisor=initial_supervisor(story),
            rng=draw,
            texts=TextPicker(story.is_khmer, draw),
            case_id=case_id,
        )

    def choose_text(self, *path: str) -> str:
        """Return words for something."""
        return self.texts.choose_text(*path)

    def freeze_day(self, day: date, hour: int = OFFICE_OPENING_HOUR) -> AbstractContextManager[None]:
        """Act on a day, at an hour of the office, after whatever was done on that day before; never today or later."""
        day = to_workday(min(day, self.scenario.last_day))
        self.actions_per_day[day] += 1
        begins = datetime.combine(day, time(hour, 11 * self.scenario.number % 60), CAMBODIA_TIMEZONE)
        self.last_action_at = begins + self.actions_per_day[day] * TIME_BETWEEN_ACTIONS
        return freeze_time(self.last_action_at.astimezone(UTC))

    def freeze_next_moment(self) -> AbstractContextManager[None]:
        """Act a moment later."""
        self.actions_per_day[self.last_action_at.date()] += 1
        self.last_action_at += TIME_BETWEEN_ACTIONS
        return freeze_time(self.last_action_at.astimezone(UTC))

    @asynccontextmanager
    async def run_as(
        self, who: str, act: Permission, day: date
    ) -> AsyncIterator[tuple[AsyncSession, Caller]]:
        """Have somebody act on a day."""
        async with self.context.run_as(who, act) as (session, actor):
            with self.freeze_day(day):
                yield session, actor

    def run_as_lead_worker(self, act: Permission) -> Any:
        """Have the lead worker act, on days that are named one by one."""
        return self.context.run_as(self.worker, act)

    def move_to_team(self, team: str) -> None:
        """Give the case to another team."""
        self.team = team
        self.worker = demo_people.WORKERS[team][self.scenario.number % 3]
        self.supervisor = demo_people.SUPERVISORS[team][0]


def initial_team(story: CaseScenario) -> str:
    """Return the team that takes a child on."""
    return "Siem Reap" if story.is_siem_reap else "Phnom Penh"


def initial_worker(story: CaseScenario) -> str:
    """Return who carries the case at first."""
    return demo_people.WORKERS[initial_team(story)][story.number // 2 % 3]


def initial_supervisor(story: CaseScenario) -> str:
    """Return who decides about the case at first."""
    return demo_people.SUPERVISORS[initial_team(story)][story.number // 2 % 5 // 4]

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

from app.access.actor import Actor
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.actors import Stage
from app.demo.storylines import Story, workday
from app.demo.texts import Voice
from app.kit.dates import LOCAL
from app.models.record import at
from app.schemas.care_plans import CarePlanOut

OPENS_AT = 8
BETWEEN_ACTS = timedelta(minutes=2)
DAWN = datetime(2000, 1, 1, tzinfo=LOCAL)


@dataclass(slots=True)
class Life:
    """What is known of one child while its story is played."""

    stage: Stage
    story: Story
    team: str
    worker: str
    supervisor: str
    draw: Random
    voice: Voice
    case_id: UUID
    supporter_id: UUID | None = None
    family_id: UUID | None = None
    consent_id: UUID | None = None
    plan: CarePlanOut | None = None
    """The child's plan in force."""
    clock: datetime = DAWN
    """When the last act was."""
    acts: Counter[date] = field(default_factory=Counter)
    """How many there were on a day."""

    @classmethod
    def of(cls, stage: Stage, story: Story, case_id: UUID) -> "Life":
        """Return a child's life at its beginning."""
        team = team_of(story)
        draw = Random(f"life {story.number}")
        return cls(
            stage=stage,
            story=story,
            team=team,
            worker=worker_of(story),
            supervisor=supervisor_of(story),
            draw=draw,
            voice=Voice(story.khmer, draw),
            case_id=case_id,
        )

    def say(self, *path: str) -> str:
        """Return words for something."""
        return self.voice.say(*path)

    def on(self, day: date, hour: int = OPENS_AT) -> AbstractContextManager[None]:
        """Act on a day, at an hour of the office, after whatever was done on that day before; never today or later."""
        day = workday(min(day, self.story.last))
        self.acts[day] += 1
        begins = datetime.combine(day, time(hour, 11 * self.story.number % 60), LOCAL)
        self.clock = begins + self.acts[day] * BETWEEN_ACTS
        return at(self.clock.astimezone(UTC))

    def right_after(self) -> AbstractContextManager[None]:
        """Act a moment later."""
        self.acts[self.clock.date()] += 1
        self.clock += BETWEEN_ACTS
        return at(self.clock.astimezone(UTC))

    @asynccontextmanager
    async def acting(self, who: str, act: Permission, day: date) -> AsyncIterator[tuple[AsyncSession, Actor]]:
        """Have somebody act on a day."""
        async with self.stage.playing(who, act) as (session, actor):
            with self.on(day):
                yield session, actor

    def working(self, act: Permission) -> Any:
        """Have the lead worker act, on days that are named one by one."""
        return self.stage.playing(self.worker, act)

    def hand_over(self, team: str) -> None:
        """Give the case to another team."""
        self.team = team
        self.worker = demo_people.WORKERS[team][self.story.number % 3]
        self.supervisor = demo_people.SUPERVISORS[team][0]


def team_of(story: Story) -> str:
    """Return the team that takes a child on."""
    return "Siem Reap" if story.north else "Phnom Penh"


def worker_of(story: Story) -> str:
    """Return who carries the case at first."""
    return demo_people.WORKERS[team_of(story)][story.number // 2 % 3]


def supervisor_of(story: Story) -> str:
    """Return who decides about the case at first."""
    return demo_people.SUPERVISORS[team_of(story)][story.number // 2 % 5 // 4]

"""A child's cases as they ought to be: what the model keeps, who sees it, and how an act is judged.

Nothing of the product's own rules is asked: who may do what, and when, is written here and in the acts a second time.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from tests.world import STAFF, SYSTEMS, id_of

ID = {name: str(id_of(name)) for name in (*STAFF, *SYSTEMS)}
NAME = {who: name for name, who in ID.items()}
ROLE = {name: roles[0] for name, (roles, _) in STAFF.items()} | dict.fromkeys(SYSTEMS, "partner_system")
TEAM = {name: str(id_of(name)) for name in ("north", "south")}
MEMBERS = {
    team: {ID[name] for name, (_, teams) in STAFF.items() if called in dict(teams)}
    for called, team in TEAM.items()
}
LEADING = {
    team: {ID[name] for name, (_, teams) in STAFF.items() if (called, True) in teams}
    for called, team in TEAM.items()
}
WORKERS = frozenset({"social_worker", "supervisor"})
SUPERVISORS = frozenset({"supervisor"})
MANAGERS = frozenset({"programme_manager"})
LEADERS = SUPERVISORS | MANAGERS
CASEWORK = WORKERS | MANAGERS
STAFF_ROLES = frozenset(ROLE.values()) - {"partner_system"}


class Refused(Exception):
    """What the model says an act is answered, where it is not done."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        super().__init__(status, sorted(codes))
        self.status, self.codes = status, frozenset(codes)


def refuse(*codes: str | Iterable[str]) -> None:
    """Refuse an act for every condition that is not met."""
    unmet = [code for given in codes for code in ([given] if isinstance(given, str) else given) if code]
    if unmet:
        raise Refused(409, unmet)


@dataclass(eq=False)
class Record:
    """A record: what it says on the wire, as far as the model knows. What is inside a value is never changed, only replaced."""

    kind: str
    says: dict[str, Any]
    up: "Record | None" = None
    """What it is part of: an action of its goal, a goal of its plan, everything of its case."""
    id: str = ""
    """Empty until the database has told the id of what the product made by itself."""
    version: int = 0
    """As the database told it last: 0 until it was asked."""
    changed: bool = False
    """Since the database was asked."""
    knows: dict[str, Any] = field(default_factory=dict)
    """What is true of it and not shown."""

    def __getitem__(self, name: str) -> Any:
        return self.says[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.says[name] = value

    @property
    def case(self) -> "Record":
        return self if self.up is None else self.up.case

    def write(self, **said: Any) -> None:
        """Change what it says."""
        self.says.update(said)
        self.changed = True

    def copied(self) -> "Record":
        """A record with documents of its own, still part of what the other one is part of."""
        return replace(self, says=dict(self.says), knows=dict(self.knows))


@dataclass
class Story:
    """Everything of one child."""

    child: str
    records: list[Record] = field(default_factory=list)
    clock: int = 0
    """How many things were decided: what came later has more."""

    def of(self, kind: str, up: Record | None = None, **says: Any) -> list[Record]:
        """The records of a kind, of a case or another record, that say so."""
        return [
            record
            for record in self.records
            if record.kind == kind
            and (up is None or record.up is up)
            and all(record.says.get(name) == value for name, value in says.items())
        ]

    def add(self, kind: str, up: Record | None, says: dict[str, Any], id_: str = "", **knows: Any) -> Record:
        record = Record(kind, says, up, id_, knows=knows)
        self.records.append(record)
        return record

    def find(self, id_: str) -> Record | None:
        return next((record for record in self.records if record.id == id_), None) if id_ else None

    def branch(self) -> "Story":
        """The same story, which may go on otherwise."""
        twins = {id(record): record.copied() for record in self.records}
        for twin in twins.values():
            twin.up = twin.up and twins[id(twin.up)]
            for name, value in twin.knows.items():
                if isinstance(value, Record):
                    twin.knows[name] = twins[id(value)]
        return Story(self.child, list(twins.values()), self.clock)

    def tick(self) -> int:
        self.clock += 1
        return self.clock


def works_on(who: str, case: Record) -> bool:
    return who == case["lead_worker_id"] or who in case["co_worker_ids"]


def leads(who: str, case: Record) -> bool:
    return who in LEADING[case["team_id"]] or ROLE[NAME[who]] in MANAGERS


def sees(who: str, case: Record) -> bool:
    """Own cases, those of the team one supervises, those opened by breaking the glass; a manager sees all."""
    role = ROLE[NAME[who]]
    mine = role in WORKERS and (works_on(who, case) or who in case.knows["glass"])
    return role in CASEWORK and (mine or leads(who, case))


def closed(case: Record) -> list[str]:
    return ["status"] if case["status"] == "closed" else []


def stranger(who: str, case: Record) -> list[str]:
    """Broken glass shows; it does not let anybody do what the case's own people do."""
    return [] if works_on(who, case) or leads(who, case) else ["not_on_case"]


def unwritable(s: "Scene") -> list[str]:
    """Nobody writes on a closed case, nor where they only look."""
    return closed(s.case) + stranger(s.me, s.case)


def blob(text: str, rng: Random) -> str:
    """Words that were never said before."""
    return f"{text} {rng.getrandbits(48):x}"


class Told(NamedTuple):
    """What is sent."""

    body: Any = None
    wrong: bool = False
    """Not what the act asks for: a field is missing, or cannot be."""
    area: str = ""


@dataclass(frozen=True)
class Attempt:
    """One request."""

    act: str
    actor: str
    child: str
    target: str
    """The record of the child that it is done to; empty where the id is nobody's."""
    told: Told
    path: str
    seen: int | None

    def __str__(self) -> str:
        return f"{self.actor}: {self.act} {self.path} {self.told.body} If-Match {self.seen}"


@dataclass(frozen=True)
class Scene:
    """An act about to be done: by whom, to what."""

    story: Story
    record: Record
    me: str
    said: Any
    area: str
    seen: int | None

    @property
    def case(self) -> Record:
        return self.record.case


Play = Callable[[Scene], Iterator[None]]
Telling = Callable[[Random, Story, Record], Told | None]


@dataclass(frozen=True)
class Act:
    """What somebody may do: where, who, asking for which version, and what becomes of it."""

    name: str
    method: str
    path: str
    of: str
    by: frozenset[str]
    versioned: bool
    unseen: bool
    """It is done to what one does not see yet."""
    weight: float
    tell: Telling
    play: Play


ACTS: dict[str, Act] = {}
BARE: Telling = lambda _rng, _story, _record: Told()  # noqa: E731


def act(
    route: str,
    of: str,
    by: frozenset[str] = WORKERS,
    *,
    tell: Telling = BARE,
    versioned: bool = True,
    unseen: bool = False,
    weight: float = 1,
) -> Callable[[Play], Play]:
    """Enter an act; it judges up to its `yield`, changing nothing, and what follows is its effect.

    `by`: whose roles it is; `unseen`: it is done to what one does not see yet; `weight`: how far it brings a case.
    """

    def enter(play: Play) -> Play:
        method, path = route.split()
        called = play.__name__
        ACTS[called] = Act(called, method, "/v1" + path, of, by, versioned, unseen, weight, tell, play)
        return play

    return enter


def judge(story: Story, attempt: Attempt) -> Iterator[None]:
    """Return the effect that an act will have.

    Raises:
        Refused: it has none.
    """
    known = ACTS[attempt.act]
    if ROLE[attempt.actor] not in known.by:
        raise Refused(403)
    if known.versioned and attempt.seen is None:
        raise Refused(428)
    if attempt.told.wrong:
        raise Refused(422)
    record, me = story.find(attempt.target), ID[attempt.actor]
    if record is None or not (known.unseen or sees(me, record.case)):
        raise Refused(404)
    if known.versioned and (record.changed or record.version != attempt.seen):
        raise Refused(412)
    effect = known.play(Scene(story, record, me, attempt.told.body, attempt.told.area, attempt.seen))
    next(effect)
    return effect


def new_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))

"""A child's cases as they ought to be: what the model keeps, who sees it, and how an act is judged.

Nothing of the product's own rules is asked: who may do what, and when, is written here and in the acts a second time.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from tests.support.scenario import API_CLIENTS, STAFF, id_of

IDS_BY_NAME = {name: str(id_of(name)) for name in (*STAFF, *API_CLIENTS)}
NAMES_BY_ID = {who: name for name, who in IDS_BY_NAME.items()}
ROLES_BY_NAME = {name: roles[0] for name, (roles, _) in STAFF.items()} | dict.fromkeys(
    API_CLIENTS, "partner_system"
)
TEAM_IDS = {name: str(id_of(name)) for name in ("north", "south")}
MEMBER_IDS_BY_TEAM = {
    team: {IDS_BY_NAME[name] for name, (_, teams) in STAFF.items() if called in dict(teams)}
    for called, team in TEAM_IDS.items()
}
SUPERVISOR_IDS_BY_TEAM = {
    team: {IDS_BY_NAME[name] for name, (_, teams) in STAFF.items() if (called, True) in teams}
    for called, team in TEAM_IDS.items()
}
WORKER_ROLES = frozenset({"social_worker", "supervisor"})
SUPERVISOR_ROLES = frozenset({"supervisor"})
MANAGER_ROLES = frozenset({"programme_manager"})
LEADER_ROLES = SUPERVISOR_ROLES | MANAGER_ROLES
CASEWORK_ROLES = WORKER_ROLES | MANAGER_ROLES
STAFF_ROLES = frozenset(ROLES_BY_NAME.values()) - {"partner_system"}


class Rejected(Exception):
    """What the model says an act is answered, where it is not done."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        super().__init__(status, sorted(codes))
        self.status, self.codes = status, frozenset(codes)


def raise_if_unmet(*codes: str | Iterable[str]) -> None:
    """Refuse an act for every condition that is not met."""
    unmet = [code for given in codes for code in ([given] if isinstance(given, str) else given) if code]
    if unmet:
        raise Rejected(409, unmet)


@dataclass(eq=False)
class ModelRecord:
    """A record: what it says on the wire, as far as the model knows. What is inside a value is never changed, only replaced."""

    kind: str
    fields: dict[str, Any]
    parent: "ModelRecord | None" = None
    """What it is part of: an action of its goal, a goal of its plan, everything of its case."""
    id: str = ""
    """Empty until the database has told the id of what the product made by itself."""
    version: int = 0
    """As the database told it last: 0 until it was asked."""
    changed: bool = False
    """Since the database was asked."""
    hidden: dict[str, Any] = field(default_factory=dict)
    """What is true of it and not shown."""

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.fields[name] = value

    @property
    def case(self) -> "ModelRecord":
        return self if self.parent is None else self.parent.case

    def update(self, **said: Any) -> None:
        """Change what it says."""
        self.fields.update(said)
        self.changed = True

    def copy(self) -> "ModelRecord":
        """A record with documents of its own, still part of what the other one is part of."""
        return replace(self, fields=dict(self.fields), hidden=dict(self.hidden))


@dataclass
class ChildModel:
    """Everything of one child."""

    child_id: str
    records: list[ModelRecord] = field(default_factory=list)
    clock: int = 0
    """How many things were decided: what came later has more."""

    def list_records(self, kind: str, up: ModelRecord | None = None, **says: Any) -> list[ModelRecord]:
        """The records of a kind, of a case or another record, that say so."""
        return [
            record
            for record in self.records
            if record.kind == kind
            and (up is None or record.parent is up)
            and all(record.fields.get(name) == value for name, value in says.items())
        ]

    def add_record(
        self, kind: str, up: ModelRecord | None, says: dict[str, Any], id_: str = "", **knows: Any
    ) -> ModelRecord:
        record = ModelRecord(kind, says, up, id_, hidden=knows)
        self.records.append(record)
        return record

    def find_record(self, id_: str) -> ModelRecord | None:
        return next((record for record in self.records if record.id == id_), None) if id_ else None

    def fork(self) -> "ChildModel":
        """The same story, which may go on otherwise."""
        twins = {id(record): record.copy() for record in self.records}
        for twin in twins.values():
            twin.parent = twin.parent and twins[id(twin.parent)]
            for name, value in twin.hidden.items():
                if isinstance(value, ModelRecord):
                    twin.hidden[name] = twins[id(value)]
        return ChildModel(self.child_id, list(twins.values()), self.clock)

    def tick(self) -> int:
        self.clock += 1
        return self.clock


def is_assigned(who: str, case: ModelRecord) -> bool:
    return who == case["lead_worker_id"] or who in case["co_worker_ids"]


def leads_case(who: str, case: ModelRecord) -> bool:
    return who in SUPERVISOR_IDS_BY_TEAM[case["team_id"]] or ROLES_BY_NAME[NAMES_BY_ID[who]] in MANAGER_ROLES


def can_see(who: str, case: ModelRecord) -> bool:
    """Own cases, those of the team one supervises, those opened by breaking the glass; a manager sees all."""
    role = ROLES_BY_NAME[NAMES_BY_ID[who]]
    mine = role in WORKER_ROLES and (is_assigned(who, case) or who in case.hidden["glass"])
    return role in CASEWORK_ROLES and (mine or leads_case(who, case))


def check_case_open(case: ModelRecord) -> list[str]:
    return ["status"] if case["status"] == "closed" else []


def check_works_on_case(who: str, case: ModelRecord) -> list[str]:
    """Broken glass shows; it does not let anybody do what the case's own people do."""
    return [] if is_assigned(who, case) or leads_case(who, case) else ["not_on_case"]


def check_writable(s: "OperationContext") -> list[str]:
    """Nobody writes on a closed case, nor where they only look."""
    return check_case_open(s.case) + check_works_on_case(s.caller_id, s.case)


def unique_text(text: str, rng: Random) -> str:
    """Words that were never said before."""
    return f"{text} {rng.getrandbits(48):x}"


class Payload(NamedTuple):
    """What is sent."""

    body: Any = None
    is_invalid: bool = False
    """Not what the act asks for: a field is missing, or cannot be."""
    area: str = ""


@dataclass(frozen=True)
class Attempt:
    """One request."""

    operation: str
    caller_name: str
    child_id: str
    record_id: str
    """The record of the child that it is done to; empty where the id is nobody's."""
    payload: Payload
    path: str
    expected_version: int | None

    def __str__(self) -> str:
        return f"{self.caller_name}: {self.operation} {self.path} {self.payload.body} If-Match {self.expected_version}"


@dataclass(frozen=True)
class OperationContext:
    """An act about to be done: by whom, to what."""

    child: ChildModel
    record: ModelRecord
    caller_id: str
    payload: Any
    area: str
    expected_version: int | None

    @property
    def case(self) -> ModelRecord:
        return self.record.case


OperationHandler = Callable[[OperationContext], Iterator[None]]
PayloadBuilder = Callable[[Random, ChildModel, ModelRecord], Payload | None]


@dataclass(frozen=True)
class Operation:
    """What somebody may do: where, who, asking for which version, and what becomes of it."""

    name: str
    method: str
    path: str
    record_kind: str
    roles: frozenset[str]
    requires_version: bool
    allows_hidden: bool
    """It is done to what one does not see yet."""
    weight: float
    build_payload: PayloadBuilder
    handler: OperationHandler


OPERATIONS: dict[str, Operation] = {}
EMPTY_PAYLOAD: PayloadBuilder = lambda _rng, _story, _record: Payload()  # noqa: E731


def register_operation(
    route: str,
    record_kind: str,
    roles: frozenset[str] = WORKER_ROLES,
    *,
    build_payload: PayloadBuilder = EMPTY_PAYLOAD,
    requires_version: bool = True,
    allows_hidden: bool = False,
    weight: float = 1,
) -> Callable[[OperationHandler], OperationHandler]:
    """Enter an act; it judges up to its `yield`, changing nothing, and what follows is its effect.

    `by`: whose roles it is; `unseen`: it is done to what one does not see yet; `weight`: how far it brings a case.
    """

    def enter(play: OperationHandler) -> OperationHandler:
        method, path = route.split()
        called = play.__name__
        OPERATIONS[called] = Operation(
            called,
            method,
            "/v1" + path,
            record_kind,
            roles,
            requires_version,
            allows_hidden,
            weight,
            build_payload,
            play,
        )
        return play

    return enter


def evaluate(story: ChildModel, attempt: Attempt) -> Iterator[None]:
    """Return the effect that an act will have.

    Raises:
        Refused: it has none.
    """
    known = OPERATIONS[attempt.operation]
    if ROLES_BY_NAME[attempt.caller_name] not in known.roles:
        raise Rejected(403)
    if known.requires_version and attempt.expected_version is None:
        raise Rejected(428)
    if attempt.payload.is_invalid:
        raise Rejected(422)
    record, me = story.find_record(attempt.record_id), IDS_BY_NAME[attempt.caller_name]
    if record is None or not (known.allows_hidden or can_see(me, record.case)):
        raise Rejected(404)
    if known.requires_version and (record.changed or record.version != attempt.expected_version):
        raise Rejected(412)
    effect = known.handler(
        OperationContext(
            story, record, me, attempt.payload.body, attempt.payload.area, attempt.expected_version
        )
    )
    next(effect)
    return effect


def random_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))

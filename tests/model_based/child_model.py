"""The model of a child and its cases: records, visibility, and the evaluation of operations.

The model does not import the rules of the application. This package implements permissions and gates a second time, from
the domain.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from tests.support.scenario import API_CLIENTS, STAFF, id_of

IDS_BY_NAME = {name: str(id_of(name)) for name in (*STAFF, *API_CLIENTS)}
NAMES_BY_ID = {user_id: name for name, user_id in IDS_BY_NAME.items()}
ROLES_BY_NAME = {name: roles[0] for name, (roles, _) in STAFF.items()} | dict.fromkeys(
    API_CLIENTS, "partner_system"
)
TEAM_IDS = {name: str(id_of(name)) for name in ("north", "south")}
MEMBER_IDS_BY_TEAM = {
    team_id: {IDS_BY_NAME[name] for name, (_, teams) in STAFF.items() if team in dict(teams)}
    for team, team_id in TEAM_IDS.items()
}
SUPERVISOR_IDS_BY_TEAM = {
    team_id: {IDS_BY_NAME[name] for name, (_, teams) in STAFF.items() if (team, True) in teams}
    for team, team_id in TEAM_IDS.items()
}
WORKER_ROLES = frozenset({"social_worker", "supervisor"})
SUPERVISOR_ROLES = frozenset({"supervisor"})
MANAGER_ROLES = frozenset({"programme_manager"})
LEADER_ROLES = SUPERVISOR_ROLES | MANAGER_ROLES
CASEWORK_ROLES = WORKER_ROLES | MANAGER_ROLES
STAFF_ROLES = frozenset(ROLES_BY_NAME.values()) - {"partner_system"}


class Rejected(Exception):
    """The operation has no effect: the expected status and the codes of the unmet conditions."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        super().__init__(status, sorted(codes))
        self.status, self.codes = status, frozenset(codes)


def raise_if_unmet(*codes: str | Iterable[str]) -> None:
    """Reject an operation with every unmet condition."""
    unmet = [code for item in codes for code in ([item] if isinstance(item, str) else item) if code]
    if unmet:
        raise Rejected(409, unmet)


@dataclass(eq=False)
class ModelRecord:
    """A record with the wire fields that the model knows. Values are replaced, never changed in place."""

    kind: str
    fields: dict[str, Any]
    parent: "ModelRecord | None" = None
    """The record that contains this one: the goal of an action, the plan of a goal, else the case."""
    id: str = ""
    """Empty until the id of a record that the application created is read from the database."""
    version: int = 0
    """The version in the database after the last step; 0 for a new record."""
    changed: bool = False
    """Whether the record changed in the current step."""
    hidden: dict[str, Any] = field(default_factory=dict)
    """Facts that no response contains."""

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.fields[name] = value

    @property
    def case(self) -> "ModelRecord":
        return self if self.parent is None else self.parent.case

    def update(self, **fields: Any) -> None:
        """Change fields and mark the record as changed."""
        self.fields.update(fields)
        self.changed = True

    def copy(self) -> "ModelRecord":
        """Return a copy with the same parent."""
        return replace(self, fields=dict(self.fields), hidden=dict(self.hidden))


@dataclass
class ChildModel:
    """All records of one child."""

    child_id: str
    records: list[ModelRecord] = field(default_factory=list)
    clock: int = 0
    """Number of decisions so far. It orders the decisions."""

    def list_records(self, kind: str, parent: ModelRecord | None = None, **fields: Any) -> list[ModelRecord]:
        """Return the records of a kind, optionally those of a parent or with certain field values."""
        return [
            record
            for record in self.records
            if record.kind == kind
            and (parent is None or record.parent is parent)
            and all(record.fields.get(name) == value for name, value in fields.items())
        ]

    def add_record(
        self, kind: str, parent: ModelRecord | None, fields: dict[str, Any], id_: str = "", **hidden: Any
    ) -> ModelRecord:
        record = ModelRecord(kind, fields, parent, id_, hidden=hidden)
        self.records.append(record)
        return record

    def find_record(self, id_: str) -> ModelRecord | None:
        return next((record for record in self.records if record.id == id_), None) if id_ else None

    def fork(self) -> "ChildModel":
        """Return an independent copy of the model."""
        copies = {id(record): record.copy() for record in self.records}
        for copy in copies.values():
            copy.parent = copy.parent and copies[id(copy.parent)]
            for name, value in copy.hidden.items():
                if isinstance(value, ModelRecord):
                    copy.hidden[name] = copies[id(value)]
        return ChildModel(self.child_id, list(copies.values()), self.clock)

    def tick(self) -> int:
        self.clock += 1
        return self.clock


def is_assigned(user_id: str, case: ModelRecord) -> bool:
    return user_id == case["lead_worker_id"] or user_id in case["co_worker_ids"]


def has_role(user_id: str, roles: frozenset[str]) -> bool:
    return ROLES_BY_NAME[NAMES_BY_ID[user_id]] in roles


def leads_case(user_id: str, case: ModelRecord) -> bool:
    return user_id in SUPERVISOR_IDS_BY_TEAM[case["team_id"]] or has_role(user_id, MANAGER_ROLES)


def can_see(user_id: str, case: ModelRecord) -> bool:
    """Return whether a case is visible: as its staff, supervisor or programme manager, or through break-glass access."""
    role = ROLES_BY_NAME[NAMES_BY_ID[user_id]]
    has_access = is_assigned(user_id, case) or user_id in case.hidden["break_glass_user_ids"]
    return role in CASEWORK_ROLES and ((role in WORKER_ROLES and has_access) or leads_case(user_id, case))


def check_case_open(case: ModelRecord) -> list[str]:
    return ["status"] if case["status"] == "closed" else []


def check_works_on_case(user_id: str, case: ModelRecord) -> list[str]:
    """Only staff of the case may write. Break-glass access allows reading only."""
    return [] if is_assigned(user_id, case) or leads_case(user_id, case) else ["not_on_case"]


def check_writable(context: "OperationContext") -> list[str]:
    """The case must be open, and the caller must work on it."""
    return check_case_open(context.case) + check_works_on_case(context.caller_id, context.case)


def unique_text(text: str, rng: Random) -> str:
    """Return a text with a random suffix, so that no two records have the same text."""
    return f"{text} {rng.getrandbits(48):x}"


class Payload(NamedTuple):
    """The body of a request and the area in its path."""

    body: Any = None
    is_invalid: bool = False
    """Whether the expected response is 422, because a field is missing or invalid."""
    area: str = ""


@dataclass(frozen=True)
class Attempt:
    """A request that the driver sends."""

    operation: str
    caller_name: str
    child_id: str
    record_id: str
    """The record of the child; empty if the id in the path does not exist."""
    payload: Payload
    path: str
    expected_version: int | None

    def __str__(self) -> str:
        return f"{self.caller_name}: {self.operation} {self.path} {self.payload.body} If-Match {self.expected_version}"


@dataclass(frozen=True)
class OperationContext:
    """The arguments of an operation's handler."""

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
    """An endpoint of the API with its roles, its payloads and its effect on the model."""

    name: str
    method: str
    path: str
    record_kind: str
    roles: frozenset[str]
    requires_version: bool
    allows_hidden: bool
    """Whether the caller need not see the case."""
    weight: float
    """How much the operation advances a case. The generator prefers operations with a high weight."""
    build_payload: PayloadBuilder
    handler: OperationHandler


OPERATIONS: dict[str, Operation] = {}
EMPTY_PAYLOAD: PayloadBuilder = lambda _rng, _child, _record: Payload()  # noqa: E731


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
    """Register a handler as an operation with the name of the handler.

    The handler raises `Rejected` or reaches its `yield` without a change of the model. The code after the `yield` applies
    the effect.
    """

    def register(handler: OperationHandler) -> OperationHandler:
        method, path = route.split()
        name = handler.__name__
        OPERATIONS[name] = Operation(
            name,
            method,
            "/v1" + path,
            record_kind,
            roles,
            requires_version,
            allows_hidden,
            weight,
            build_payload,
            handler,
        )
        return handler

    return register


def evaluate(child: ChildModel, attempt: Attempt) -> Iterator[None]:
    """Return an iterator that applies the effect of an attempt to the model.

    Raises:
        Rejected: the attempt has no effect.
    """
    operation = OPERATIONS[attempt.operation]
    if ROLES_BY_NAME[attempt.caller_name] not in operation.roles:
        raise Rejected(403)
    if operation.requires_version and attempt.expected_version is None:
        raise Rejected(428)
    if attempt.payload.is_invalid:
        raise Rejected(422)
    record, caller_id = child.find_record(attempt.record_id), IDS_BY_NAME[attempt.caller_name]
    if record is None or not (operation.allows_hidden or can_see(caller_id, record.case)):
        raise Rejected(404)
    if operation.requires_version and (record.changed or record.version != attempt.expected_version):
        raise Rejected(412)
    effect = operation.handler(
        OperationContext(
            child, record, caller_id, attempt.payload.body, attempt.payload.area, attempt.expected_version
        )
    )
    next(effect)
    return effect


def random_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))

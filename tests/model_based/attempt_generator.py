"""Generate random attempts. Most of them are allowed by the model and advance a case."""

from collections import Counter
from random import Random

from tests.model_based.child_model import (
    IDS_BY_NAME,
    OPERATIONS,
    ROLES_BY_NAME,
    WORKER_ROLES,
    Attempt,
    ChildModel,
    ModelRecord,
    Operation,
    Rejected,
    can_see,
    evaluate,
    random_id,
)

CALLER_NAMES = [name for name in ROLES_BY_NAME if name != "reporting"]


class AttemptGenerator:
    """Chooses operations, records, callers and payloads at random, weighted by the state of the model."""

    def __init__(self, rng: Random, children: dict[str, ChildModel], success_counts: Counter[str]) -> None:
        self.rng, self.children, self.success_counts = rng, children, success_counts

    def next_batch(self) -> list[Attempt]:
        """Return one to four attempts to send concurrently, mostly about one case and often about one record."""
        first = self.likely_attempt()
        size = self.rng.choices([1, 2, 3, 4], [6, 4, 2, 1])[0]
        focus = first.record_id if self.rng.random() < 0.8 else ""
        return [first, *(self.likely_attempt(focus) for _ in range(size - 1))]

    def likely_attempt(self, focus: str = "") -> Attempt:
        """Return mostly an attempt that the model allows, preferring high weights; otherwise any attempt."""
        if self.rng.random() < 0.25:
            return self.random_attempt(focus)
        allowed = [
            attempt for attempt in (self.random_attempt(focus) for _ in range(40)) if self.is_allowed(attempt)
        ]
        if not allowed:
            return self.random_attempt(focus)
        if self.rng.random() < 0.5:
            return max(allowed, key=self.weigh_attempt)
        return self.rng.choices(allowed, [self.weigh_attempt(attempt) for attempt in allowed])[0]

    def weigh_attempt(self, attempt: Attempt) -> float:
        """Return the weight of the operation, reduced by its number of successes so far."""
        return float(
            OPERATIONS[attempt.operation].weight / (1 + self.success_counts[attempt.operation]) ** 0.5
        )

    def is_allowed(self, attempt: Attempt) -> bool:
        """Return whether the model allows an attempt now."""
        try:
            evaluate(self.children[attempt.child_id], attempt)
        except Rejected:
            return False
        return True

    def random_attempt(self, focus: str) -> Attempt:
        """Return an attempt of a random operation on the record in focus, on its case, or on another record."""
        rng, payload = self.rng, None
        while payload is None:
            child = self.choose_child(focus)
            operation = rng.choice(list(OPERATIONS.values()))
            record = self.choose_record(operation, child, focus)
            payload = operation.build_payload(rng, child, record) if record else None
        assert record
        caller = self.choose_caller(operation, record.case)
        path_ids = {"id": record.id, "case": record.case.id, "area": payload.area}
        record_id, expected_version = record.id, self.choose_version(operation, child, record)
        if rng.random() < 0.02 and "{" in operation.path:
            record_id, path_ids = "", {"id": random_id(rng), "case": random_id(rng), "area": payload.area}
        path = operation.path.format(**path_ids)
        return Attempt(operation.name, caller, child.child_id, record_id, payload, path, expected_version)

    def choose_child(self, focus: str) -> ChildModel:
        """Return the child in focus, or one of the newest, so that cases advance to their end."""
        children = list(self.children.values())
        in_focus = [child for child in children if child.find_record(focus)]
        return self.rng.choice(in_focus or children[-4:])

    def choose_record(self, operation: Operation, child: ChildModel, focus: str) -> ModelRecord | None:
        records, focused = child.list_records(operation.record_kind), child.find_record(focus)
        if focused and self.rng.random() < 0.7:
            records = [record for record in records if record is focused] or [
                record for record in records if record.case is focused.case
            ]
        if not records:
            return None
        return records[-1] if self.rng.random() < 0.6 else self.rng.choice(records)

    def choose_caller(self, operation: Operation, case: ModelRecord) -> str:
        names = [
            name
            for name in CALLER_NAMES
            if ROLES_BY_NAME[name] in operation.roles and can_see(IDS_BY_NAME[name], case)
        ]
        # Supervisors seldom write, because a contributor cannot approve.
        if operation.roles == WORKER_ROLES and self.rng.random() < 0.9:
            names = [name for name in names if ROLES_BY_NAME[name] == "social_worker"] or names
        return self.rng.choice(names if names and self.rng.random() < 0.85 else CALLER_NAMES)

    def choose_version(self, operation: Operation, child: ChildModel, record: ModelRecord) -> int | None:
        """Return the version for If-Match: mostly the current one, sometimes a wrong one or none."""
        exit_plan = next(iter(child.list_records("exit_plans", record.case)), None)
        version = record.version if operation.requires_version else None
        if operation.name == "replace_exit_plan":
            version = exit_plan.version if exit_plan else None
        elif not operation.requires_version:
            return None
        draw = self.rng.random()
        return None if draw < 0.01 else (version or 0) + 7 if draw < 0.04 else version

"""What comes next: acts that somebody might try, most of them such as bring a case further."""

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
    """Chance, with an eye on what the model knows."""

    def __init__(self, rng: Random, stories: dict[str, ChildModel], done: Counter[str]) -> None:
        self.rng, self.children, self.success_counts = rng, stories, done

    def next_batch(self) -> list[Attempt]:
        """One to four acts, at once; mostly about one case, often on one record."""
        first = self.likely_attempt()
        size = self.rng.choices([1, 2, 3, 4], [6, 4, 2, 1])[0]
        focus = first.record_id if self.rng.random() < 0.8 else ""
        return [first, *(self.likely_attempt(focus) for _ in range(size - 1))]

    def likely_attempt(self, focus: str = "") -> Attempt:
        """Mostly an act that the model would let happen, those that pull most the likelier; else whatever comes to mind."""
        if self.rng.random() < 0.25:
            return self.random_attempt(focus)
        fits = [
            attempt for attempt in (self.random_attempt(focus) for _ in range(40)) if self.is_allowed(attempt)
        ]
        if not fits:
            return self.random_attempt(focus)
        if self.rng.random() < 0.5:
            return max(fits, key=self.weigh_attempt)
        return self.rng.choices(fits, [self.weigh_attempt(fit) for fit in fits])[0]

    def weigh_attempt(self, attempt: Attempt) -> float:
        """What brings a case further, and what seldom happened so far."""
        return float(
            OPERATIONS[attempt.operation].weight / (1 + self.success_counts[attempt.operation]) ** 0.5
        )

    def is_allowed(self, attempt: Attempt) -> bool:
        """Whether the model would let it happen now."""
        try:
            evaluate(self.children[attempt.child_id], attempt)
        except Rejected:
            return False
        return True

    def random_attempt(self, focus: str) -> Attempt:
        """An act that somebody might try: on a record in focus, or in the same case."""
        rng, told = self.rng, None
        while told is None:
            story = self.choose_child(focus)
            known = rng.choice(list(OPERATIONS.values()))
            record = self.choose_record(known, story, focus)
            told = known.build_payload(rng, story, record) if record else None
        assert record
        actor = self.choose_caller(known, record.case)
        where = {"id": record.id, "case": record.case.id, "area": told.area}
        target, seen = record.id, self.choose_version(known, story, record)
        if rng.random() < 0.02 and "{" in known.path:
            target, where = "", {"id": random_id(rng), "case": random_id(rng), "area": told.area}
        return Attempt(known.name, actor, story.child_id, target, told, known.path.format(**where), seen)

    def choose_child(self, focus: str) -> ChildModel:
        """The child in focus, or one of the newest: who has few children brings them far."""
        stories = list(self.children.values())
        in_focus = [story for story in stories if story.find_record(focus)]
        return self.rng.choice(in_focus or stories[-4:])

    def choose_record(self, known: Operation, story: ChildModel, focus: str) -> ModelRecord | None:
        found, near = story.list_records(known.record_kind), story.find_record(focus)
        if near and self.rng.random() < 0.7:
            found = [one for one in found if one is near] or [one for one in found if one.case is near.case]
        if not found:
            return None
        return found[-1] if self.rng.random() < 0.6 else self.rng.choice(found)

    def choose_caller(self, known: Operation, case: ModelRecord) -> str:
        fit = [
            name
            for name in CALLER_NAMES
            if ROLES_BY_NAME[name] in known.roles and can_see(IDS_BY_NAME[name], case)
        ]
        # Who supervises mostly leaves the writing to others, so that there is somebody who may decide.
        if known.roles == WORKER_ROLES and self.rng.random() < 0.9:
            fit = [name for name in fit if ROLES_BY_NAME[name] == "social_worker"] or fit
        return self.rng.choice(fit if fit and self.rng.random() < 0.85 else CALLER_NAMES)

    def choose_version(self, known: Operation, story: ChildModel, record: ModelRecord) -> int | None:
        """What If-Match says: mostly the version that is, sometimes another or none."""
        exit_plan = next(iter(story.list_records("exit_plans", record.case)), None)
        version = record.version if known.requires_version else None
        if known.name == "replace_exit_plan":
            version = exit_plan.version if exit_plan else None
        elif not known.requires_version:
            return None
        luck = self.rng.random()
        return None if luck < 0.01 else (version or 0) + 7 if luck < 0.04 else version

"""What comes next: acts that somebody might try, most of them such as bring a case further."""

from collections import Counter
from random import Random

from tests.model.story import (
    ACTS,
    ID,
    ROLE,
    WORKERS,
    Act,
    Attempt,
    Record,
    Refused,
    Story,
    judge,
    new_id,
    sees,
)

ACTORS = [name for name in ROLE if name != "reporting"]


class Chooser:
    """Chance, with an eye on what the model knows."""

    def __init__(self, rng: Random, stories: dict[str, Story], done: Counter[str]) -> None:
        self.rng, self.stories, self.done = rng, stories, done

    def batch(self) -> list[Attempt]:
        """One to four acts, at once; mostly about one case, often on one record."""
        first = self.likely()
        size = self.rng.choices([1, 2, 3, 4], [6, 4, 2, 1])[0]
        focus = first.target if self.rng.random() < 0.8 else ""
        return [first, *(self.likely(focus) for _ in range(size - 1))]

    def likely(self, focus: str = "") -> Attempt:
        """Mostly an act that the model would let happen, those that pull most the likelier; else whatever comes to mind."""
        if self.rng.random() < 0.25:
            return self.some(focus)
        fits = [attempt for attempt in (self.some(focus) for _ in range(40)) if self.is_allowed(attempt)]
        if not fits:
            return self.some(focus)
        if self.rng.random() < 0.5:
            return max(fits, key=self.pull)
        return self.rng.choices(fits, [self.pull(fit) for fit in fits])[0]

    def pull(self, attempt: Attempt) -> float:
        """What brings a case further, and what seldom happened so far."""
        return float(ACTS[attempt.act].weight / (1 + self.done[attempt.act]) ** 0.5)

    def is_allowed(self, attempt: Attempt) -> bool:
        """Whether the model would let it happen now."""
        try:
            judge(self.stories[attempt.child], attempt)
        except Refused:
            return False
        return True

    def some(self, focus: str) -> Attempt:
        """An act that somebody might try: on a record in focus, or in the same case."""
        rng, told = self.rng, None
        while told is None:
            story = self.story_of(focus)
            known = rng.choice(list(ACTS.values()))
            record = self.record_for(known, story, focus)
            told = known.tell(rng, story, record) if record else None
        assert record
        actor = self.actor_for(known, record.case)
        where = {"id": record.id, "case": record.case.id, "area": told.area}
        target, seen = record.id, self.version_for(known, story, record)
        if rng.random() < 0.02 and "{" in known.path:
            target, where = "", {"id": new_id(rng), "case": new_id(rng), "area": told.area}
        return Attempt(known.name, actor, story.child, target, told, known.path.format(**where), seen)

    def story_of(self, focus: str) -> Story:
        """The child in focus, or one of the newest: who has few children brings them far."""
        stories = list(self.stories.values())
        in_focus = [story for story in stories if story.find(focus)]
        return self.rng.choice(in_focus or stories[-4:])

    def record_for(self, known: Act, story: Story, focus: str) -> Record | None:
        found, near = story.of(known.of), story.find(focus)
        if near and self.rng.random() < 0.7:
            found = [one for one in found if one is near] or [one for one in found if one.case is near.case]
        if not found:
            return None
        return found[-1] if self.rng.random() < 0.6 else self.rng.choice(found)

    def actor_for(self, known: Act, case: Record) -> str:
        fit = [name for name in ACTORS if ROLE[name] in known.by and sees(ID[name], case)]
        # Who supervises mostly leaves the writing to others, so that there is somebody who may decide.
        if known.by == WORKERS and self.rng.random() < 0.9:
            fit = [name for name in fit if ROLE[name] == "social_worker"] or fit
        return self.rng.choice(fit if fit and self.rng.random() < 0.85 else ACTORS)

    def version_for(self, known: Act, story: Story, record: Record) -> int | None:
        """What If-Match says: mostly the version that is, sometimes another or none."""
        exit_plan = next(iter(story.of("exit_plans", record.case)), None)
        version = record.version if known.versioned else None
        if known.name == "write_exit_plan":
            version = exit_plan.version if exit_plan else None
        elif not known.versioned:
            return None
        luck = self.rng.random()
        return None if luck < 0.01 else (version or 0) + 7 if luck < 0.04 else version

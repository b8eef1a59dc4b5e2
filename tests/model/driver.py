"""Random acts by random people, several at once, each answer held against the model, and all of it against the truth."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any, NamedTuple

import httpx

from tests.model import exits, goals, looking, staffing, support, truth
from tests.model.days import day
from tests.model.exits import case_says
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
from tests.pathway import done
from tests.world import World, token_of

ENTERED = (exits, goals, looking, staffing, support)
"""The acts, entered by being imported."""
ACTORS = [name for name in ROLE if name != "reporting"]
LEADS = ("worker_north", "worker_north_2", "worker_south")
DONE = 200
"""Or 201."""
TOKENS_LAST = 300
"""Seconds, well within a token's life."""


class Outcome(NamedTuple):
    """How a request was answered."""

    status: int
    codes: frozenset[str]
    body: Any


class Driver:
    """One run: what happened, what is known, and what comes next."""

    def __init__(self, world: World, superuser: Any, seed: int) -> None:
        self.world, self.superuser, self.seed = world, superuser, seed
        self.rng = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.stories: dict[str, Story] = {}
        self.steps = 0
        self.last: deque[str] = deque(maxlen=30)
        self.unread: list[truth.Answered] = []
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.fresh_until = time.monotonic() + TOKENS_LAST

    # Beginnings

    async def provide(self) -> None:
        """Two providers: one that was checked, one whose check is over."""
        for name, days in (("good", 300), ("lapsed", -1)):
            told = {
                "name": f"Clinic {name}",
                "kind": "health_centre",
                "services": ["medical"],
                "id": support.PROVIDER[name],
            }
            checked = {"safeguarding_checked_on": day(-400), "safeguarding_valid_until": day(days)}
            done(await self.world.manager.post("/v1/providers", told | checked), 201)

    async def another_child(self, opened_on: str | None = None) -> None:
        """Somebody tells of a child; the case begins."""
        case = await self.world.case(self.rng.choice(LEADS))
        if opened_on:
            moved = "UPDATE cases SET opened_on = $1::text::date WHERE id = $2::text::uuid"
            await self.superuser.execute(moved, opened_on, case["id"])
        story = Story(case["child_id"])
        says = case_says(case["team_id"], case["lead_worker_id"]) | {
            "opened_on": opened_on or case["opened_on"]
        }
        opened = story.add("cases", None, says, case["id"], glass=frozenset())
        for kind in ("people", "consents"):
            [found] = done(await self.world.manager.get(f"/v1/cases/{case['id']}/{kind}"))["items"]
            story.add(
                kind, opened, {n: found[n] for n in ("status", "scope", "role") if n in found}, found["id"]
            )
        truth.settle(story, await truth.rows_of(self.superuser, [story.child]))
        self.stories[story.child] = story

    # What comes next

    def batch(self) -> list[Attempt]:
        """One to four acts, at once; mostly about one case, often on one record."""
        first = self.likely()
        size = self.rng.choices([1, 2, 3, 4], [6, 4, 2, 1])[0]
        focus = first.target if self.rng.random() < 0.8 else ""
        return [first, *(self.likely(focus) for _ in range(size - 1))]

    def likely(self, focus: str = "") -> Attempt:
        """Mostly an act that the model would let happen, the weightier the likelier; else whatever comes to mind."""
        if self.rng.random() < 0.25:
            return self.some(focus)
        fits = [attempt for attempt in (self.some(focus) for _ in range(40)) if self.is_allowed(attempt)]
        if not fits:
            return self.some(focus)
        if self.rng.random() < 0.5:
            return max(fits, key=lambda fit: ACTS[fit.act].weight)
        return self.rng.choices(fits, [ACTS[fit.act].weight for fit in fits])[0]

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
        if (
            known.by == WORKERS and self.rng.random() < 0.9
        ):  # who supervises decides, so that there is somebody who may
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

    # What happens

    async def run(self, steps: int) -> None:
        """Go on until so many acts were tried."""
        await self.provide()
        for n in range(4):
            await self.another_child(day(-800) if n == 3 else None)
        while self.steps < steps:
            if self.steps // 200 > len(self.stories) - 4:
                await self.another_child()
            await self.together(self.batch())
            if len(self.unread) >= 50:
                await self.read_the_log()
            if time.monotonic() > self.fresh_until:
                self.renew_tokens()
        await self.read_the_log()

    def renew_tokens(self) -> None:
        self.fresh_until = time.monotonic() + TOKENS_LAST
        for name, caller in self.world.callers.items():
            caller.token = token_of(name)

    async def together(self, attempts: list[Attempt]) -> None:
        """Do these at once; there must be an order in which the model would have answered just so."""
        ended: list[int] = []
        outcomes = await asyncio.gather(*(self.send(n, attempt, ended) for n, attempt in enumerate(attempts)))
        self.steps += len(attempts)
        children = {attempt.child for attempt in attempts}
        rows = await truth.rows_of(self.superuser, children)
        orders = list(permutations(ended))
        if len(attempts) > 1 and not any(outcome.status < 300 for outcome in outcomes):
            orders = orders[:1]
        faults: list[str] = []
        for order in orders:
            stories = (
                {child: self.stories[child].branch() for child in children}
                if len(orders) > 1
                else self.stories
            )
            wrong = [*self.unexplained(stories, order, attempts, outcomes)]
            wrong += [fault for child in children for fault in truth.differences(stories[child], rows)]
            if not wrong:
                self.stories |= stories
                break
            faults = faults or wrong
        else:
            self.fail(faults)
        for child in children:
            truth.settle(self.stories[child], rows)
        if wrong := await truth.broken(self.superuser):
            self.fail(wrong)

    async def send(self, n: int, attempt: Attempt, ended: list[int]) -> Outcome:
        known, caller = ACTS[attempt.act], self.world.as_(attempt.actor)
        etag = None if attempt.seen is None else f'"{attempt.seen}"'
        answer = await caller.request(known.method, attempt.path, json=attempt.told.body, etag=etag)
        ended.append(n)
        outcome = outcome_of(answer)
        self.last.append(f"{self.steps + n}. {outcome.status} {sorted(outcome.codes)} {attempt}")
        self.done[attempt.act] += outcome.status < 300
        self.refused.update(outcome.codes or ({str(outcome.status)} if outcome.status >= 400 else ()))
        who = ID[attempt.actor]
        self.unread.append(
            truth.answered(answer.headers["x-request-id"], who, answer.status_code, outcome.body)
        )
        return outcome

    def unexplained(
        self,
        stories: dict[str, Story],
        order: Sequence[int],
        attempts: list[Attempt],
        outcomes: Sequence[Outcome],
    ) -> list[str]:
        """Let it happen in the model in this order; tell where the model answers otherwise."""
        wrong = []
        for n in order:
            expected = self.happen(stories, attempts[n])
            status, codes, _ = outcomes[n]
            taken = codes == {"already-exists"} and expected.codes == {"open_case"}
            # Who loses sight of a case while they ask may still be told what speaks against it, or that it changed.
            lost = len(order) > 1 and expected.status == 404 and status in {409, 412}
            same = status == expected.status and (status != 409 or codes == expected.codes or taken)
            if not (same or lost):
                wrong.append(f"{status} {sorted(codes)}, not {expected}: {attempts[n]}")
        return wrong

    def happen(self, stories: dict[str, Story], attempt: Attempt) -> Refused:
        try:
            next(judge(stories[attempt.child], attempt), None)
        except Refused as refused:
            return refused
        return Refused(DONE)

    async def read_the_log(self) -> None:
        if wrong := await truth.unlogged(self.superuser, self.unread):
            self.fail(wrong)
        self.unread.clear()

    def fail(self, faults: list[str]) -> None:
        said = "\n  ".join(
            [
                "Against the model:",
                *faults,
                f"The last acts (seed {self.seed}, step {self.steps}):",
                *self.last,
            ]
        )
        raise AssertionError(said)


def outcome_of(answer: httpx.Response) -> Outcome:
    body = answer.json()
    codes = {fault["code"] for fault in body.get("unmet", [])}
    if answer.status_code == 409 and not codes:
        codes = {body["type"].rpartition(":")[2]}
    status = DONE if answer.status_code == 201 else answer.status_code
    return Outcome(status, frozenset(codes), body)

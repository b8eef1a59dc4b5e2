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
from tests.model.choosing import Chooser
from tests.model.days import day
from tests.model.exits import case_says
from tests.model.story import ACTS, ID, Attempt, Refused, Story, judge, sees
from tests.pathway import done
from tests.world import World, token_of

ENTERED = (exits, goals, looking, staffing, support)
"""The acts, entered by being imported."""
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
        self.done: Counter[str] = Counter()
        self.chooser = Chooser(self.rng, self.stories, self.done)
        self.steps = 0
        self.last: deque[str] = deque(maxlen=30)
        self.unread: list[truth.Answered] = []
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

    async def begin(self) -> None:
        """Where to send somebody, and the first children."""
        await self.provide()
        for n in range(4):
            await self.another_child(day(-800) if n == 3 else None)

    # What happens

    async def run(self, steps: int) -> None:
        """Go on until so many acts were tried."""
        while self.steps < steps:
            if self.steps // 200 > len(self.stories) - 4:
                await self.another_child()
            await self.together(self.chooser.batch())
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
            stories = self.stories
            if len(orders) > 1:
                stories = {child: stories[child].branch() for child in children}
            wrong = [*self.unexplained(stories, order, attempts, outcomes)]
            wrong += [fault for child in children for fault in truth.differences(stories[child], rows)]
            if not wrong:
                self.stories.update(stories)
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
        return wrong or (self.missing(attempts[0], outcomes[0]) if len(order) == 1 else [])

    def missing(self, attempt: Attempt, outcome: Outcome) -> list[str]:
        """A list of cases holds those that one sees, and no others."""
        if attempt.act != "list_cases" or outcome.status != DONE:
            return []
        shown = {item["id"] for item in outcome.body["items"]}
        cases = [case for story in self.stories.values() for case in story.of("cases")]
        seen = {case.id for case in cases if sees(ID[attempt.actor], case)}
        return [f"{attempt} shows {shown ^ seen} wrongly"] if shown != seen else []

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

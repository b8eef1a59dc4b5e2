"""Random acts by random people, several at once, each answer held against the model, and all of it against the truth."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any, NamedTuple

import httpx

from tests.model_based import database_checks as truth
from tests.model_based import exit as exits
from tests.model_based import goals, staffing, support
from tests.model_based import reads as looking
from tests.model_based.attempt_generator import AttemptGenerator
from tests.model_based.child_model import (
    IDS_BY_NAME,
    OPERATIONS,
    Attempt,
    ChildModel,
    Rejected,
    can_see,
    evaluate,
)
from tests.model_based.dates import iso_date_in_days
from tests.model_based.exit import case_fields
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, access_token_of

OPERATION_MODULES = (exits, goals, looking, staffing, support)
"""The acts, entered by being imported."""
LEAD_WORKERS = ("worker_north", "worker_north_2", "worker_south")
SUCCESS_STATUS = 200
"""Or 201."""
TOKEN_RENEWAL_SECONDS = 300
"""Seconds, well within a token's life."""


class Outcome(NamedTuple):
    """How a request was answered."""

    status: int
    codes: frozenset[str]
    body: Any


class Driver:
    """One run: what happened, what is known, and what comes next."""

    def __init__(self, scenario: Scenario, superuser: Any, seed: int) -> None:
        self.scenario, self.superuser_connection, self.seed = scenario, superuser, seed
        self.rng = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.children: dict[str, ChildModel] = {}
        self.success_counts: Counter[str] = Counter()
        self.generator = AttemptGenerator(self.rng, self.children, self.success_counts)
        self.steps = 0
        self.recent_attempts: deque[str] = deque(maxlen=30)
        self.unverified_responses: list[truth.ObservedResponse] = []
        self.rejection_counts: Counter[str] = Counter()
        self.renew_tokens_at = time.monotonic() + TOKEN_RENEWAL_SECONDS

    # Beginnings

    async def create_providers(self) -> None:
        """Two providers: one that was checked, one whose check is over."""
        for name, days in (("good", 300), ("lapsed", -1)):
            told = {
                "name": f"Clinic {name}",
                "kind": "health_centre",
                "services": ["medical"],
                "id": support.PROVIDER_IDS[name],
            }
            checked = {
                "safeguarding_checked_on": iso_date_in_days(-400),
                "safeguarding_valid_until": iso_date_in_days(days),
            }
            expect_json(await self.scenario.manager.post("/v1/providers", told | checked), 201)

    async def add_child(self, opened_on: str | None = None) -> None:
        """Somebody tells of a child; the case begins."""
        case = await self.scenario.open_case(self.rng.choice(LEAD_WORKERS))
        if opened_on:
            moved = "UPDATE cases SET opened_on = $1::text::date WHERE id = $2::text::uuid"
            await self.superuser_connection.execute(moved, opened_on, case["id"])
        story = ChildModel(case["child_id"])
        says = case_fields(case["team_id"], case["lead_worker_id"]) | {
            "opened_on": opened_on or case["opened_on"]
        }
        opened = story.add_record("cases", None, says, case["id"], glass=frozenset())
        for kind in ("people", "consents"):
            [found] = expect_json(await self.scenario.manager.get(f"/v1/cases/{case['id']}/{kind}"))["items"]
            story.add_record(
                kind, opened, {n: found[n] for n in ("status", "scope", "role") if n in found}, found["id"]
            )
        truth.sync_versions(story, await truth.fetch_rows(self.superuser_connection, [story.child_id]))
        self.children[story.child_id] = story

    async def set_up(self) -> None:
        """Where to send somebody, and the first children."""
        await self.create_providers()
        for n in range(4):
            await self.add_child(iso_date_in_days(-800) if n == 3 else None)

    # What happens

    async def run(self, steps: int) -> None:
        """Go on until so many acts were tried."""
        while self.steps < steps:
            if self.steps // 200 > len(self.children) - 4:
                await self.add_child()
            await self.run_concurrently(self.generator.next_batch())
            if len(self.unverified_responses) >= 50:
                await self.check_access_log()
            if time.monotonic() > self.renew_tokens_at:
                self.renew_tokens()
        await self.check_access_log()

    def renew_tokens(self) -> None:
        self.renew_tokens_at = time.monotonic() + TOKEN_RENEWAL_SECONDS
        for name, caller in self.scenario.clients.items():
            caller.token = access_token_of(name)

    async def run_concurrently(self, attempts: list[Attempt]) -> None:
        """Do these at once; there must be an order in which the model would have answered just so."""
        ended: list[int] = []
        outcomes = await asyncio.gather(
            *(self.send_attempt(n, attempt, ended) for n, attempt in enumerate(attempts))
        )
        self.steps += len(attempts)
        children = {attempt.child_id for attempt in attempts}
        rows = await truth.fetch_rows(self.superuser_connection, children)
        orders = list(permutations(ended))
        if len(attempts) > 1 and not any(outcome.status < 300 for outcome in outcomes):
            orders = orders[:1]
        faults: list[str] = []
        for order in orders:
            stories = self.children
            if len(orders) > 1:
                stories = {child: stories[child].fork() for child in children}
            wrong = [*self.find_mismatches(stories, order, attempts, outcomes)]
            wrong += [fault for child in children for fault in truth.find_differences(stories[child], rows)]
            if not wrong:
                self.children.update(stories)
                break
            faults = faults or wrong
        else:
            self.fail(faults)
        for child in children:
            truth.sync_versions(self.children[child], rows)
        if wrong := await truth.find_forbidden_states(self.superuser_connection):
            self.fail(wrong)

    async def send_attempt(self, n: int, attempt: Attempt, ended: list[int]) -> Outcome:
        known, caller = OPERATIONS[attempt.operation], self.scenario.client_for(attempt.caller_name)
        etag = None if attempt.expected_version is None else f'"{attempt.expected_version}"'
        answer = await caller.request(known.method, attempt.path, json=attempt.payload.body, etag=etag)
        ended.append(n)
        outcome = parse_outcome(answer)
        self.recent_attempts.append(f"{self.steps + n}. {outcome.status} {sorted(outcome.codes)} {attempt}")
        self.success_counts[attempt.operation] += outcome.status < 300
        self.rejection_counts.update(
            outcome.codes or ({str(outcome.status)} if outcome.status >= 400 else ())
        )
        who = IDS_BY_NAME[attempt.caller_name]
        self.unverified_responses.append(
            truth.observe_response(answer.headers["x-request-id"], who, answer.status_code, outcome.body)
        )
        return outcome

    def find_mismatches(
        self,
        stories: dict[str, ChildModel],
        order: Sequence[int],
        attempts: list[Attempt],
        outcomes: Sequence[Outcome],
    ) -> list[str]:
        """Let it happen in the model in this order; tell where the model answers otherwise."""
        wrong = []
        for n in order:
            expected = self.evaluate_attempt(stories, attempts[n])
            status, codes, _ = outcomes[n]
            taken = codes == {"already-exists"} and expected.codes == {"open_case"}
            # Who loses sight of a case while they ask may still be told what speaks against it, or that it changed.
            lost = len(order) > 1 and expected.status == 404 and status in {409, 412}
            same = status == expected.status and (status != 409 or codes == expected.codes or taken)
            if not (same or lost):
                wrong.append(f"{status} {sorted(codes)}, not {expected}: {attempts[n]}")
        return wrong or (self.find_case_list_mismatches(attempts[0], outcomes[0]) if len(order) == 1 else [])

    def find_case_list_mismatches(self, attempt: Attempt, outcome: Outcome) -> list[str]:
        """A list of cases holds those that one sees, and no others."""
        if attempt.operation != "list_cases" or outcome.status != SUCCESS_STATUS:
            return []
        shown = {item["id"] for item in outcome.body["items"]}
        cases = [case for story in self.children.values() for case in story.list_records("cases")]
        seen = {case.id for case in cases if can_see(IDS_BY_NAME[attempt.caller_name], case)}
        return [f"{attempt} shows {shown ^ seen} wrongly"] if shown != seen else []

    def evaluate_attempt(self, stories: dict[str, ChildModel], attempt: Attempt) -> Rejected:
        try:
            next(evaluate(stories[attempt.child_id], attempt), None)
        except Rejected as refused:
            return refused
        return Rejected(SUCCESS_STATUS)

    async def check_access_log(self) -> None:
        if wrong := await truth.find_unlogged_responses(self.superuser_connection, self.unverified_responses):
            self.fail(wrong)
        self.unverified_responses.clear()

    def fail(self, faults: list[str]) -> None:
        said = "\n  ".join(
            [
                "Against the model:",
                *faults,
                f"The last acts (seed {self.seed}, step {self.steps}):",
                *self.recent_attempts,
            ]
        )
        raise AssertionError(said)


def parse_outcome(answer: httpx.Response) -> Outcome:
    body = answer.json()
    codes = {fault["code"] for fault in body.get("unmet", [])}
    if answer.status_code == 409 and not codes:
        codes = {body["type"].rpartition(":")[2]}
    status = SUCCESS_STATUS if answer.status_code == 201 else answer.status_code
    return Outcome(status, frozenset(codes), body)

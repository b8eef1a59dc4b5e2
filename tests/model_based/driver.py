"""Send random requests, some concurrently, and compare each response and the database with the model."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any, NamedTuple

import httpx

from tests.model_based import database_checks, goals, reads, staffing, support
from tests.model_based import exit as exits
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

OPERATION_MODULES = (exits, goals, reads, staffing, support)
"""Importing these modules registers their operations."""
LEAD_WORKERS = ("worker_north", "worker_north_2", "worker_south")
SUCCESS_STATUS = 200
"""Status of a successful outcome. 201 counts as 200."""
TOKEN_RENEWAL_SECONDS = 300
"""Interval in seconds, shorter than the lifetime of a token."""


class Outcome(NamedTuple):
    """Status, codes of unmet conditions, and body of a response."""

    status: int
    codes: frozenset[str]
    body: Any


class Driver:
    """One run of the test: the model of each child, the responses to verify, and the generator of attempts."""

    def __init__(self, scenario: Scenario, superuser: Any, seed: int) -> None:
        self.scenario, self.superuser_connection, self.seed = scenario, superuser, seed
        self.rng = Random(seed)  # noqa: S311 - must be reproducible, not secret
        self.children: dict[str, ChildModel] = {}
        self.success_counts: Counter[str] = Counter()
        self.generator = AttemptGenerator(self.rng, self.children, self.success_counts)
        self.steps = 0
        self.recent_attempts: deque[str] = deque(maxlen=30)
        self.unverified_responses: list[database_checks.ObservedResponse] = []
        self.rejection_counts: Counter[str] = Counter()
        self.renew_tokens_at = time.monotonic() + TOKEN_RENEWAL_SECONDS

    async def create_providers(self) -> None:
        """Create a provider with a valid safeguarding check and one with an expired check."""
        for name, days in (("good", 300), ("lapsed", -1)):
            payload = {
                "name": f"Clinic {name}",
                "kind": "health_centre",
                "services": ["medical"],
                "id": support.PROVIDER_IDS[name],
                "safeguarding_checked_on": iso_date_in_days(-400),
                "safeguarding_valid_until": iso_date_in_days(days),
            }
            expect_json(await self.scenario.manager.post("/v1/providers", payload), 201)

    async def add_child(self, opened_on: str | None = None) -> None:
        """Open a case for a new child and create its model."""
        case = await self.scenario.open_case(self.rng.choice(LEAD_WORKERS))
        if opened_on:
            update = "UPDATE cases SET opened_on = $1::text::date WHERE id = $2::text::uuid"
            await self.superuser_connection.execute(update, opened_on, case["id"])
        child = ChildModel(case["child_id"])
        fields = case_fields(case["team_id"], case["lead_worker_id"]) | {
            "opened_on": opened_on or case["opened_on"]
        }
        case_record = child.add_record("cases", None, fields, case["id"], break_glass_user_ids=frozenset())
        for kind in ("people", "consents"):
            page = expect_json(await self.scenario.manager.get(f"/v1/cases/{case['id']}/{kind}"))
            [item] = page["items"]
            fields = {name: item[name] for name in ("status", "scope", "role") if name in item}
            hidden = {"is_basis": False, "said": (item["on"], 0)} if kind == "consents" else {}
            child.add_record(kind, case_record, fields, item["id"], **hidden)
        rows = await database_checks.fetch_rows(self.superuser_connection, [child.child_id])
        database_checks.sync_versions(child, rows)
        self.children[child.child_id] = child

    async def set_up(self) -> None:
        """Create the providers and the first children."""
        await self.create_providers()
        for number in range(4):
            await self.add_child(iso_date_in_days(-800) if number == 3 else None)

    async def run(self, steps: int) -> None:
        """Send requests until the total number of steps is reached."""
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
        """Send attempts concurrently. In at least one order, the model must give the same responses and rows."""
        completed: list[int] = []
        outcomes = await asyncio.gather(
            *(self.send_attempt(index, attempt, completed) for index, attempt in enumerate(attempts))
        )
        self.steps += len(attempts)
        child_ids = {attempt.child_id for attempt in attempts}
        rows = await database_checks.fetch_rows(self.superuser_connection, child_ids)
        orders = list(permutations(completed))
        if len(attempts) > 1 and not any(outcome.status < 300 for outcome in outcomes):
            orders = orders[:1]
        first_mismatches: list[str] = []
        for order in orders:
            children = self.children
            if len(orders) > 1:
                children = {child_id: children[child_id].fork() for child_id in child_ids}
            mismatches = [*self.find_mismatches(children, order, attempts, outcomes)]
            for child_id in child_ids:
                mismatches += database_checks.find_differences(children[child_id], rows)
            if not mismatches:
                self.children.update(children)
                break
            first_mismatches = first_mismatches or mismatches
        else:
            self.fail(first_mismatches)
        for child_id in child_ids:
            database_checks.sync_versions(self.children[child_id], rows)
        if forbidden := await database_checks.find_forbidden_states(self.superuser_connection):
            self.fail(forbidden)

    async def send_attempt(self, index: int, attempt: Attempt, completed: list[int]) -> Outcome:
        operation, caller = OPERATIONS[attempt.operation], self.scenario.client_for(attempt.caller_name)
        etag = None if attempt.expected_version is None else f'"{attempt.expected_version}"'
        response = await caller.request(operation.method, attempt.path, json=attempt.payload.body, etag=etag)
        completed.append(index)
        outcome = parse_outcome(response)
        self.recent_attempts.append(
            f"{self.steps + index}. {outcome.status} {sorted(outcome.codes)} {attempt}"
        )
        self.success_counts[attempt.operation] += outcome.status < 300
        self.rejection_counts.update(
            outcome.codes or ({str(outcome.status)} if outcome.status >= 400 else ())
        )
        caller_id = IDS_BY_NAME[attempt.caller_name]
        self.unverified_responses.append(
            database_checks.observe_response(
                response, caller_id, outcome.body, self.list_named_child_ids(attempt)
            )
        )
        return outcome

    def list_named_child_ids(self, attempt: Attempt) -> set[str]:
        """Return the children of the ids in the path and body of an attempt."""
        text = f"{attempt.path} {attempt.payload.body}"
        return {
            child_id
            for child_id, child in self.children.items()
            if child_id in text or any(record.id and record.id in text for record in child.records)
        }

    def find_mismatches(
        self,
        children: dict[str, ChildModel],
        order: Sequence[int],
        attempts: list[Attempt],
        outcomes: Sequence[Outcome],
    ) -> list[str]:
        """Apply attempts to the model in an order, and return the differences between its outcomes and the real ones."""
        mismatches = []
        for index in order:
            expected = self.evaluate_attempt(children, attempts[index])
            status, codes, _ = outcomes[index]
            is_unique_violation = codes == {"already-exists"} and expected.codes == {"open_case"}
            # A case that becomes invisible during the request may still lead to a response about its gate or version.
            became_hidden = len(order) > 1 and expected.status == 404 and status in {409, 412}
            is_expected = status == expected.status and (
                status != 409 or codes == expected.codes or is_unique_violation
            )
            if not (is_expected or became_hidden):
                mismatches.append(f"{status} {sorted(codes)}, not {expected}: {attempts[index]}")
        if mismatches or len(order) > 1:
            return mismatches
        return self.find_case_list_mismatches(attempts[0], outcomes[0])

    def find_case_list_mismatches(self, attempt: Attempt, outcome: Outcome) -> list[str]:
        """Return a message if a list of cases does not contain exactly the visible cases."""
        if attempt.operation != "list_cases" or outcome.status != SUCCESS_STATUS:
            return []
        listed_ids = {item["id"] for item in outcome.body["items"]}
        cases = [case for child in self.children.values() for case in child.list_records("cases")]
        visible_ids = {case.id for case in cases if can_see(IDS_BY_NAME[attempt.caller_name], case)}
        if listed_ids == visible_ids:
            return []
        return [f"{attempt} lists or omits {listed_ids ^ visible_ids} wrongly"]

    def evaluate_attempt(self, children: dict[str, ChildModel], attempt: Attempt) -> Rejected:
        try:
            next(evaluate(children[attempt.child_id], attempt), None)
        except Rejected as rejection:
            return rejection
        return Rejected(SUCCESS_STATUS)

    async def check_access_log(self) -> None:
        unlogged = await database_checks.find_unlogged_responses(
            self.superuser_connection, self.unverified_responses
        )
        if unlogged:
            self.fail(unlogged)
        self.unverified_responses.clear()

    def fail(self, mismatches: list[str]) -> None:
        lines = [
            "Differences from the model:",
            *mismatches,
            f"The last attempts (seed {self.seed}, step {self.steps}):",
            *self.recent_attempts,
        ]
        raise AssertionError("\n  ".join(lines))


def parse_outcome(response: httpx.Response) -> Outcome:
    body = response.json()
    codes = {fault["code"] for fault in body.get("unmet", [])}
    if response.status_code == 409 and not codes:
        codes = {body["type"].rpartition(":")[2]}
    status = SUCCESS_STATUS if response.status_code == 201 else response.status_code
    return Outcome(status, frozenset(codes), body)

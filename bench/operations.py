"""The operations that are measured: a name, and the raw HTTP requests that are sent in turn."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench.caseload import generate_referral
from bench.environment import BearerTokens, BenchEnvironment
from bench.load import REQUEST_SEPARATOR, UNIQUE_ID_PLACEHOLDER
from bench.programs import FIRST_STEP, HOST, PLAIN, PROGRAMS, Program

REFERRAL_BODY_COUNT = 500
"""Number of different referrals. Each is sent many times with a new external_id."""

SEARCH_COUNT = 24
SEARCH_INTERVAL = 97
"""Number of searches, and distance of the searched children in the list of the team's children."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that is measured."""

    name: str
    description: str
    expected_status: int
    build_requests: Callable[[BenchEnvironment, BearerTokens], list[bytes]]
    programs: tuple[Program, ...] = PROGRAMS
    """The programs that support the operation."""

    def list_requests(self, program: Program, environment: BenchEnvironment) -> list[bytes]:
        """Return the requests with the tokens of a program."""
        tokens = environment.plain_tokens if program is PLAIN else environment.generated.tokens
        return self.build_requests(environment, tokens)

    def build_request_file(self, program: Program, environment: BenchEnvironment) -> bytes:
        """Return the requests in the format of the load clients."""
        return b"".join(request + REQUEST_SEPARATOR for request in self.list_requests(program, environment))


def build_request(method: str, target: str, bearer: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Authorization: Bearer {bearer}"]
    if body:
        lines += [
            "Content-Type: application/json",
            f"Idempotency-Key: {UNIQUE_ID_PLACEHOLDER.decode()}",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _get_case_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [
        build_request("GET", f"/v1/cases/{case_id}", tokens.worker)
        for case_id in environment.generated.worker_case_ids
    ]


def _list_cases_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [build_request("GET", "/v1/cases?limit=50", tokens.supervisor)]


def _create_referral_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    payloads = [
        {"external_id": UNIQUE_ID_PLACEHOLDER.decode(), **generate_referral(rng, number)}
        for number in range(REFERRAL_BODY_COUNT)
    ]
    bodies = [json.dumps(drop_nulls(payload), ensure_ascii=False).encode() for payload in payloads]
    return [build_request("POST", "/v1/referrals", tokens.api_client, body) for body in bodies]


def drop_nulls(value: Any) -> Any:
    """Remove null values, which partners do not send."""
    if isinstance(value, dict):
        return {name: drop_nulls(part) for name, part in value.items() if part is not None}
    return [drop_nulls(part) for part in value] if isinstance(value, list) else value


def _open_case_file_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    paths = [
        path
        for case_id, plan_id in environment.generated.cases_with_history
        for path in (
            f"/v1/cases/{case_id}",
            f"/v1/cases/{case_id}/people",
            f"/v1/care-plans/{plan_id}",
            f"/v1/cases/{case_id}/reviews",
        )
    ]
    return [build_request("GET", path, tokens.worker) for path in paths]


def _get_timeline_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [
        build_request("GET", f"/v1/cases/{case_id}/timeline", tokens.worker)
        for case_id, _ in environment.generated.cases_with_history
    ]


def _get_agenda_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [build_request("GET", "/v1/me/agenda", tokens.worker)]


def _list_own_cases_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [build_request("GET", "/v1/cases", tokens.worker)]


def _search_children_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    """Search by full name in Latin script, by given name in Khmer, and by the beginning of a given name, in turn."""
    texts = []
    for number, case in enumerate(environment.generated.supervised_cases[::SEARCH_INTERVAL][:SEARCH_COUNT]):
        khmer, latin = case.referral["child"]["names"]
        texts.append((f"{latin['family']} {latin['given']}", khmer["given"], latin["given"][:4])[number % 3])
    return [
        build_request("GET", f"/v1/children?q={quote(text.strip())}", tokens.supervisor) for text in texts
    ]


def _list_matches_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [
        build_request("GET", f"/v1/referrals/{referral_id}/matches", tokens.supervisor)
        for referral_id in environment.generated.pending_referral_ids
    ]


def _list_accesses_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    child_id = environment.generated.supervised_cases[0].child_id
    return [build_request("GET", f"/v1/children/{child_id}/accesses", tokens.supervisor)]


OPERATIONS = (
    Operation("R1", "a social worker with 25 cases reads one case with its child", 200, _get_case_requests),
    Operation(
        "L1",
        "a supervisor with thousands of cases lists the newest 50",
        200,
        _list_cases_requests,
    ),
    Operation("W1", "an API client of a partner sends a referral", 201, _create_referral_requests),
    Operation(
        "O1",
        "a worker reads a case with two years of history: case, people, care plan and reviews, one of them per request",
        200,
        _open_case_file_requests,
        (FIRST_STEP,),
    ),
    Operation(
        "T1", "the first page of the timeline of such a case", 200, _get_timeline_requests, (FIRST_STEP,)
    ),
    Operation("A1", "the agenda of a worker with 25 cases", 200, _get_agenda_requests, (FIRST_STEP,)),
    Operation("L2", "a worker with 25 cases lists them", 200, _list_own_cases_requests, (FIRST_STEP,)),
    Operation("Q1", "a supervisor searches children by name", 200, _search_children_requests, (FIRST_STEP,)),
    Operation(
        "M1",
        "a supervisor lists the possible duplicates of a referral",
        200,
        _list_matches_requests,
        (FIRST_STEP,),
    ),
    Operation(
        "X1",
        "a supervisor lists the accesses of a child with 20,000 access entries",
        200,
        _list_accesses_requests,
        (FIRST_STEP,),
    ),
)

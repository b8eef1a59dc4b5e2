"""The operations that are measured: a name, a caller, and the requests that are sent in turn."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from pydantic.alias_generators import to_camel

from bench.caseload import generate_referral
from bench.environment import BearerTokens, BenchEnvironment, GeneratedRecords
from bench.load import REQUEST_SEPARATOR, UNIQUE_ID_PLACEHOLDER
from bench.programs import FIRST_STEP, HOST, PLAIN, POSTGRAPHILE, PROGRAMS, Program

REFERRAL_BODY_COUNT = 500
"""Number of different referrals. Each is sent many times with a new external_id."""
SERVER_FIELDS = {"e164", "phone_e164", "warnings"}
"""Fields of the stored content of a referral that a request does not contain."""

CallerName = Literal["worker", "supervisor", "api_client"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that is measured. With bodies it is a POST, otherwise a GET."""

    name: str
    description: str
    caller: CallerName
    list_paths: Callable[[GeneratedRecords], list[str]]
    programs: tuple[Program, ...] = (FIRST_STEP,)
    """The programs that support the operation."""
    list_bodies: Callable[[], list[bytes]] | None = None
    """Returns JSON bodies with the placeholder of a unique id."""
    list_variables: Callable[[GeneratedRecords], list[dict[str, Any]]] = lambda _: [{}]
    """Returns the variables of the persisted GraphQL operation, which has the name of this operation."""

    def list_requests(self, generated: GeneratedRecords, tokens: BearerTokens) -> list[bytes]:
        """Return the raw requests, with a placeholder of a unique id in requests with a body."""
        token, paths = getattr(tokens, self.caller), self.list_paths(generated)
        bodies = self.list_bodies() if self.list_bodies else [b""]
        return [_build_request(path, token, body) for path in paths for body in bodies]

    def list_program_requests(self, program: Program, environment: BenchEnvironment) -> list[bytes]:
        """Return the requests with the tokens of a program."""
        if program is POSTGRAPHILE:
            return self._list_graphql_requests(environment)
        tokens = environment.plain_tokens if program is PLAIN else environment.generated.tokens
        return self.list_requests(environment.generated, tokens)

    def _list_graphql_requests(self, environment: BenchEnvironment) -> list[bytes]:
        token = getattr(environment.plain_tokens, self.caller)
        return [
            _build_request("/graphql", token, _to_json({"id": self.name, "variables": variables}))
            for variables in self.list_variables(environment.generated)
        ]

    def build_request_file(self, program: Program, environment: BenchEnvironment) -> bytes:
        """Return the requests in the format of the load clients."""
        requests = self.list_program_requests(program, environment)
        return b"".join(request + REQUEST_SEPARATOR for request in requests)


def _build_request(path: str, bearer: str, body: bytes) -> bytes:
    lines = [
        f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Authorization: Bearer {bearer}",
    ]  # fmt: skip
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if UNIQUE_ID_PLACEHOLDER in body:
        lines.append(f"Idempotency-Key: {UNIQUE_ID_PLACEHOLDER.decode()}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _list_referrals() -> list[dict[str, Any]]:
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    return [
        _to_payload({"external_id": UNIQUE_ID_PLACEHOLDER.decode(), **generate_referral(rng, number)})
        for number in range(REFERRAL_BODY_COUNT)
    ]


def _list_referral_variables(_: GeneratedRecords) -> list[dict[str, Any]]:
    """Return the referrals without documents, which have no column. `plain` ignores them."""
    return [
        {"referral": {to_camel(name): value for name, value in referral.items() if name != "documents"}}
        for referral in _list_referrals()
    ]


def _to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _to_payload(value: Any) -> Any:
    """Remove null values, which partners do not send, and fields that the server adds to the content of a referral."""
    if isinstance(value, dict):
        return {
            name: _to_payload(part)
            for name, part in value.items()
            if part is not None and name not in SERVER_FIELDS
        }
    return [_to_payload(part) for part in value] if isinstance(value, list) else value


def _list_case_file_paths(generated: GeneratedRecords) -> list[str]:
    return [
        path
        for case_id, plan_id in generated.cases_with_history
        for path in (
            f"/v1/cases/{case_id}",
            f"/v1/cases/{case_id}/people",
            f"/v1/care-plans/{plan_id}",
            f"/v1/cases/{case_id}/reviews",
        )
    ]


OPERATIONS = (
    Operation(
        "R1",
        "a social worker with 25 cases reads one case with its child",
        "worker",
        lambda generated: [f"/v1/cases/{case_id}" for case_id in generated.worker_case_ids],
        PROGRAMS,
        list_variables=lambda generated: [{"id": str(case_id)} for case_id in generated.worker_case_ids],
    ),
    Operation(
        "L1",
        "a supervisor with thousands of cases lists the newest 50",
        "supervisor",
        lambda _: ["/v1/cases?limit=50"],
        PROGRAMS,
    ),
    Operation(
        "W1",
        "an API client of a partner sends a referral",
        "api_client",
        lambda _: ["/v1/referrals"],
        PROGRAMS,
        lambda: [_to_json(referral) for referral in _list_referrals()],
        _list_referral_variables,
    ),
    Operation(
        "O1",
        "a worker reads a case with two years of history: case, people, care plan and reviews, one of them per request",
        "worker",
        _list_case_file_paths,
    ),
    Operation(
        "T1",
        "the first page of the timeline of such a case",
        "worker",
        lambda generated: [f"/v1/cases/{case_id}/timeline" for case_id, _ in generated.cases_with_history],
    ),
    Operation("A1", "the agenda of a worker with 25 cases", "worker", lambda _: ["/v1/me/agenda"]),
    Operation("L2", "a worker with 25 cases lists them", "worker", lambda _: ["/v1/cases"]),
    Operation("C1", "a worker with 25 cases lists the children", "worker", lambda _: ["/v1/children"]),
    Operation(
        "C2",
        "a supervisor with thousands of cases lists the newest 50 children",
        "supervisor",
        lambda _: ["/v1/children?limit=50"],
    ),
    Operation(
        "Q1",
        "a supervisor searches children by name",
        "supervisor",
        lambda generated: [f"/v1/children?q={quote(text)}" for text in generated.search_texts],
    ),
    Operation(
        "M1",
        "a supervisor lists the possible duplicates of a referral",
        "supervisor",
        lambda generated: [f"/v1/referrals/{id_}/matches" for id_ in generated.pending_referral_ids],
    ),
    Operation(
        "X1",
        "a supervisor lists the accesses of a child with 20,000 access entries",
        "supervisor",
        lambda generated: [f"/v1/children/{generated.most_read_child_id}/accesses"],
    ),
)

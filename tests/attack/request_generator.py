"""Generate hostile requests: any operation, with ids, payloads, headers and tokens that do not belong together."""

import json
import re
import uuid
from random import Random
from typing import Any, NamedTuple

from fastapi import FastAPI

from app.http.authorization import PublicEndpoint
from tests.support.endpoint_samples import write_payloads
from tests.support.endpoints import list_endpoints
from tests.support.forged_tokens import forge_token
from tests.support.referrals import REFERRAL_ACT_PAYLOADS
from tests.support.scenario import API_CLIENTS, STAFF, access_token_of

STAFF_WITH_CASES = tuple(name for name in STAFF if name.startswith(("worker", "supervisor", "manager")))
CALLERS = (*STAFF, *API_CLIENTS, *STAFF_WITH_CASES * 2)
PATH_PARAMETER = re.compile(r"{(\w+)}")
SOUTHERN_IDS = {"south_id": "case_id", "south_child_id": "child_id"}
"""Parameters of the payloads that name a record of another team, and the kind of id that takes their place."""
EXCLUDED_PATHS = re.compile(
    r"^/v1/(auth|oauth|me/(password|mfa|sessions|calendar-feeds)|users|api-clients|teams)|^/docs"
)
"""Paths that would end the session of a caller or change what the callers may do."""
OTHER_PAYLOADS: dict[str, Any] = {
    **{f"POST /v1/referrals/{{referral_id}}/{act}": body for act, body in REFERRAL_ACT_PAYLOADS.items()},
    "POST /v1/cases/{case_id}/break-glass": {"reason": "The child is in hospital now."},
    "POST /v1/cases/break-glass": {"number": "FSC-2026-0001", "reason": "The child is in hospital now."},
}
QUERY_PARAMETERS = (
    "case_id", "child_id", "record_id", "person_id", "lead_worker_id", "worker_id", "team_id", "fund_id", "provider_id",
    "about_id", "series_id", "handed_to_id", "agency_id", "actor_id", "q", "status", "sort", "cursor", "count", "parts",
)  # fmt: skip
STRANGE_VALUES: tuple[Any, ...] = (
    "", " ", "0", "-1", "null", "' OR 1=1 --", "../../etc/passwd", "%00", "𝟙", "a" * 300, "true", "[]", "{}", "*", "1e9",
)  # fmt: skip
FORGERIES = (
    "", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", forge_token(), forge_token(header={"alg": "ES256", "typ": "at+jwt"}),
)  # fmt: skip
"""Tokens without a valid signature of this installation."""


class HostileRequest(NamedTuple):
    """A request to send. `caller` is None if the token is not valid, or the endpoint is public and ignores it."""

    caller: str | None
    method: str
    path: str
    params: dict[str, str]
    content: bytes | None
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """Return everything of the request that a response could repeat."""
        return f"{self.path} {json.dumps(self.params)} {(self.content or b'').decode(errors='replace')}"

    @property
    def readable_text(self) -> str:
        """Return the parts of the request that the server can parse: not the body if it is not JSON."""
        try:
            json.loads(self.content or b"{}")
        except ValueError:
            return f"{self.path} {json.dumps(self.params)}"
        return self.text


class RequestGenerator:
    """Chooses requests at random. `ids_by_parameter` are ids of records by the name of their path parameter."""

    def __init__(self, app: FastAPI, rng: Random, ids_by_parameter: dict[str, list[str]]) -> None:
        self.rng, self.ids_by_parameter = rng, ids_by_parameter
        self.all_ids = sorted({record_id for ids in ids_by_parameter.values() for record_id in ids})
        self.endpoints = [
            endpoint for endpoint in list_endpoints(app) if not EXCLUDED_PATHS.match(endpoint.path)
        ]
        self.used_keys: list[str] = []
        self.cursors: list[str] = []

    def next_request(self) -> HostileRequest:
        rng, endpoint = self.rng, self.rng.choice(self.endpoints)
        caller: str | None = rng.choice(CALLERS)
        token = access_token_of(str(caller))
        if rng.random() < 0.05:
            caller, token = None, rng.choice(FORGERIES)
        if any(isinstance(guard, PublicEndpoint) for guard in endpoint.guards):
            caller = None
        path = PATH_PARAMETER.sub(lambda match: self._choose_id(match[1]), endpoint.path)
        content = None if endpoint.method == "GET" else self._build_content(str(endpoint))
        headers = {"authorization": f"Bearer {token}", **self._build_headers(endpoint.method)}
        return HostileRequest(
            caller, endpoint.method, path, self._build_query(endpoint.method), content, headers
        )

    def _choose_id(self, parameter: str) -> str:
        choice = self.rng.random()
        if choice < 0.75 and self.ids_by_parameter.get(parameter):
            return self.rng.choice(self.ids_by_parameter[parameter])
        if choice < 0.95:
            return self.rng.choice([*self.all_ids, "education", "2026-01-01"])
        return self.rng.choice([str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), "0", "x"])

    def _build_headers(self, method: str) -> dict[str, str]:
        headers = {}
        if self.rng.random() < 0.9:
            headers["if-match"] = self.rng.choice(['"1"', '"1"', '"2"', '"3"', "*", 'W/"1"'])
        if method == "POST":
            key = uuid.UUID(int=self.rng.getrandbits(128), version=4).hex
            if self.used_keys and self.rng.random() < 0.15:
                key = self.rng.choice(self.used_keys)
            self.used_keys.append(key)
            headers["idempotency-key"] = key
        if method != "GET":
            headers["content-type"] = self.rng.choice(["application/json"] * 9 + ["text/plain"])
        return headers

    def _build_query(self, method: str) -> dict[str, str]:
        if method != "GET" or self.rng.random() < 0.5:
            return {}
        query = {}
        for name in self.rng.sample(QUERY_PARAMETERS, self.rng.randint(1, 2)):
            values = [self.rng.choice(self.all_ids), self.rng.choice(STRANGE_VALUES)]
            values += self.cursors if name == "cursor" else []
            query[name] = str(self.rng.choice(values))
        return query

    def _build_content(self, endpoint: str) -> bytes:
        payload = json.loads(json.dumps((write_payloads() | OTHER_PAYLOADS).get(endpoint, {})))
        payload = self._fill(payload)
        if self.rng.random() < 0.3 and isinstance(payload, dict):
            name = self.rng.choice([*payload, "child_id", "case_id", "id", "person_id", "version"])
            payload[name] = self.rng.choice([self.rng.choice(self.all_ids), *STRANGE_VALUES, None, 7, [], {}])
        content = json.dumps(payload).encode()
        if self.rng.random() < 0.03:
            content = content[: len(content) // 2]
        return content

    def _fill(self, payload: Any) -> Any:
        """Return the payload with an id in place of each `{parameter}`, and sometimes another id in place of an id."""
        if isinstance(payload, dict):
            return {name: self._fill(value) for name, value in payload.items()}
        if isinstance(payload, list):
            return [self._fill(value) for value in payload]
        if not isinstance(payload, str):
            return payload
        return PATH_PARAMETER.sub(
            lambda match: self._choose_id(SOUTHERN_IDS.get(match[1], match[1])), payload
        )

"""Schemathesis tests the OpenAPI document against a running server, as each kind of caller.

No response is a server error, or has a status, media type or schema that the document does not declare. The runs are
seeded and therefore reproducible.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server_process import ServerProcess, temporary_home

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
PHASES = "examples,coverage,fuzzing"
EXAMPLES_PER_OPERATION = 4
"""Random examples, in addition to the values at and beyond every bound of the coverage phase."""

ALL_PATHS = "^/v1/(?!me/(password|mfa|sessions)|auth/|oauth/)"
"""All paths but those that would end the caller's own session."""
CALLERS = (
    "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer", "data_protection_officer",
    "partner_system", "reporting_script", "administrator",
)  # fmt: skip
"""The administrator comes last, because it deactivates users and replaces the secrets of API clients."""
PUBLIC_PATHS = "^/(v1/(auth|oauth|codes|places|calendar)|.well-known|healthz|readyz)"
PATHS_BY_CALLER = {
    "social_worker": "^/v1/(assessments|care-plans|goals|actions|support-sessions|service-referrals|documents|legal-steps|feedback)",
    "supervisor": "^/v1/(referrals|cases$|cases/\\{case_id\\}(/[a-z-]+)?$|children|people|consents|audit|reviews|me/agenda)",
    "me_officer": "^/v1/outreach-",
    "data_protection_officer": "^/v1/(audit|consents|children)",
    "partner_system": "^/v1/referrals",
    "finance_officer": "^/v1/(funds|donor-grants|fund-transfers|disbursements|exchange-rates|books-closings|approval-limits|ledger-check|unreceipted)",
    "administrator": "^/v1/(users|teams|agencies|api-clients|instruments|providers)",
}
IS_COMPLETE = os.environ.get("FUZZ") == "whole"
"""Set by `make fuzz`: every caller tests all paths, without a time limit."""
TIME_LIMIT = [] if IS_COMPLETE else ["--max-time", "20"]
"""Seconds per caller."""
RUNS = {**(dict.fromkeys(CALLERS, ALL_PATHS) if IS_COMPLETE else PATHS_BY_CALLER), "anonymous": PUBLIC_PATHS}
"""The paths that each caller tests."""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    unlimited = {
        "FIRSTSTEP_REQUESTS_PER_MINUTE": "10000000",
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "10000000",
        "FIRSTSTEP_ACCESS_TOKEN_SECONDS": "3600",
    }
    with temporary_home() as home:
        process = ServerProcess(home / "var", **unlimited)
        with process.running():
            yield process


def authorization_header(server: ServerProcess, caller: str) -> list[str]:
    if caller == "anonymous":
        return []
    scopes = {"partner_system": "referrals", "reporting_script": "reports"}
    client = server.api_client(scopes[caller]) if caller in scopes else server.staff_client(caller)
    return ["--header", f"Authorization: {client.headers['authorization']}"]


@pytest.mark.parametrize("caller", RUNS)
def test_responses_conform_to_the_document(server: ServerProcess, caller: str, tmp_path: Path) -> None:
    # Catches: a 500 in the timeline of a case; a case without `version`; a 418 from the list of places.
    program = Path(sys.executable).with_name("schemathesis")
    header = authorization_header(server, caller)
    done = subprocess.run(
        [
            program, "run", f"{server.url}/openapi.json", *header, "--include-path-regex", RUNS[caller],
            "--checks", CHECKS, "--phases", PHASES if caller == "anonymous" else f"{PHASES},stateful", "--max-examples", str(EXAMPLES_PER_OPERATION), "--seed", "20261122",
            "--request-timeout", "20", "--no-color", *TIME_LIMIT,
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=3600,
    )  # fmt: skip
    shutil.rmtree(tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert caller == "anonymous" or is_authenticated(server, header), "the token expired during the run"


def is_authenticated(server: ServerProcess, header: list[str]) -> bool:
    name, _, value = header[1].partition(": ")
    return httpx.get(f"{server.url}/v1/cases", headers={name: value}).status_code != 401

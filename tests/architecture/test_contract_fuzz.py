"""Schemathesis over the whole document, against a real server, as every kind of caller.

Nothing answers with a server's error, a status, a media type or a shape that the contract does not name. The runs are
seeded: what they find once they find again.
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
EXAMPLES = 4
"""Random ones an operation; the coverage phase makes those on and just beyond every bound."""

WHOLE = "^/v1/(?!me/(password|mfa|sessions)|auth/|oauth/)"
"""Everything but one's own password, second factor and sessions: the run would lock itself out."""
EVERYBODY = (
    "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer", "data_protection_officer",
    "partner_system", "reporting_script", "administrator",
)  # fmt: skip
"""The administrator comes last: it turns people away and gives systems new secrets."""
NOBODY = "^/(v1/(auth|oauth|codes|places|calendar)|.well-known|healthz|readyz)"
PARTS = {
    "social_worker": "^/v1/(assessments|care-plans|goals|actions|support-sessions|service-referrals|documents|legal-steps)",
    "supervisor": "^/v1/(referrals|cases$|cases/\\{case_id\\}(/[a-z-]+)?$|children|people|consents|audit|reviews|me/agenda)",
    "data_protection_officer": "^/v1/(audit|consents|children)",
    "partner_system": "^/v1/referrals",
    "finance_officer": "^/v1/(funds|fund-transfers|disbursements|exchange-rates|books-closings|approval-limits|ledger-check|unreceipted)",
    "administrator": "^/v1/(users|teams|agencies|api-clients|instruments|providers)",
}
IS_WHOLE = os.environ.get("FIRSTSTEP_FUZZ") == "whole"
BUDGET = [] if IS_WHOLE else ["--max-time", "20"]
"""Seconds of a part in every run of the tests: what is not reached in one is reached by `make fuzz`."""
RUNS = {**dict.fromkeys(EVERYBODY, WHOLE), "nobody": NOBODY} if IS_WHOLE else {**PARTS, "nobody": NOBODY}
"""Who tries what: with every run of the tests each part by those whose work it is; `make fuzz` has everybody try everything."""


@pytest.fixture(scope="module")
def served() -> Iterator[ServerProcess]:
    unlimited = {
        "FIRSTSTEP_REQUESTS_PER_MINUTE": "10000000",
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": "10000000",
        "FIRSTSTEP_ACCESS_TOKEN_SECONDS": "3600",
    }
    with temporary_home() as folder:
        found = ServerProcess(folder / "var", **unlimited)
        with found.running():
            yield found


def bearer(served: ServerProcess, who: str) -> list[str]:
    if who == "nobody":
        return []
    machines = {"partner_system": "referrals", "reporting_script": "reports"}
    caller = served.api_client(machines[who]) if who in machines else served.staff_client(who)
    return ["--header", f"Authorization: {caller.headers['authorization']}"]


@pytest.mark.parametrize("who", RUNS)
def test_the_contract_holds_for(served: ServerProcess, who: str, tmp_path: Path) -> None:
    # Planted: a 500 in cases.timeline; `version` left out of a case; a 418 from places.
    program = Path(sys.executable).with_name("schemathesis")
    header = bearer(served, who)
    done = subprocess.run(
        [
            program, "run", f"{served.url}/openapi.json", *header, "--include-path-regex", RUNS[who],
            "--checks", CHECKS, "--phases", PHASES if who == "nobody" else f"{PHASES},stateful", "--max-examples", str(EXAMPLES), "--seed", "20261122",
            "--request-timeout", "20", "--no-color", *BUDGET,
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=3600,
    )  # fmt: skip
    shutil.rmtree(tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert who == "nobody" or still_known(served, header), (
        "what came after the token's end was tried by nobody"
    )


def still_known(served: ServerProcess, header: list[str]) -> bool:
    name, _, value = header[1].partition(": ")
    return httpx.get(f"{served.url}/v1/cases", headers={name: value}).status_code != 401

"""Who does not see a child cannot learn that it is there: every endpoint answers them as it answers for nothing."""

import json
import re
import uuid
from typing import Any

from fastapi import FastAPI

from tests.support.endpoint_samples import WRITE_PAYLOADS, create_complete_case
from tests.support.endpoints import list_endpoints
from tests.support.fund import create_fund
from tests.support.referrals import REFERRAL_ACT_PAYLOADS
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.service_referrals import create_provider

STRANGERS = ("worker_south", "supervisor_south", "partner_two")
"""Those whose roles pass most doors; whom each door turns away stands in `matrix.txt`."""
ASKED_FOR = "POST /v1/cases/{case_id}/break-glass"
"""Opens what one does not see, with a reason, in the log: it has to say whether there is a case."""
IN_THE_BODY = "POST /v1/disbursements"
"""Names the case in its body, and is told there that it is none."""
SAID: dict[str, Any] = {
    **WRITE_PAYLOADS,
    "PATCH /v1/referrals/{referral_id}": {"urgency": "routine"},
    **{f"POST /v1/referrals/{{referral_id}}/{act}": body for act, body in REFERRAL_ACT_PAYLOADS.items()},
}
NOT_THERE = 404


def filled(words: Any, ids: dict[str, str]) -> Any:
    if isinstance(words, dict):
        return {field: filled(said, ids) for field, said in words.items()}
    return words.format(**ids) if isinstance(words, str) else words


async def meets(caller: AuthenticatedClient, name: str, ids: dict[str, str]) -> tuple[int, Any]:
    """Do it; return the answer, without what tells one question from another."""
    method, _, path = name.partition(" ")
    options = {} if method == "GET" else {"json": filled(SAID.get(name), ids)}
    answer = await caller.request(method, path.format(**ids), etag='"1"', **options)
    said = answer.text
    for known in ids.values():
        said = said.replace(known, "?")
    return answer.status_code, {**json.loads(said), "request_id": "?"}


async def test_a_record_one_does_not_see_is_answered_as_one_that_is_not_there(
    scenario: Scenario, app: FastAPI
) -> None:
    # Planted: a policy that shows everybody every goal; one that shows everybody every referral.
    known = await create_complete_case(scenario)
    theirs = {name: str(known[name]) for name in known if name.endswith("_id")}
    ours = {
        "area": "education",
        "fund_id": (await create_fund(scenario))["id"],
        "provider_id": await create_provider(scenario),
        "south_id": (await scenario.open_case("worker_south"))["id"],
    }
    nothing = {name: str(uuid.uuid4()) for name in theirs}
    walked = [
        str(e)
        for e in list_endpoints(app)
        if theirs.keys() & re.findall(r"\w+", e.path) and str(e) != ASKED_FOR
    ]
    assert len(walked) >= 90
    unseen = 0
    for name in [*walked, IN_THE_BODY]:
        for stranger in STRANGERS:
            real, none = [
                await meets(scenario.client_for(stranger), name, {**ours, **asked})
                for asked in (theirs, nothing)
            ]
            assert real == none, (name, stranger)
            assert real[0] in {403, NOT_THERE} or name == IN_THE_BODY, (name, stranger, real)
            unseen += real[0] == NOT_THERE
    assert unseen > len(walked), "most were looked for, and not only turned away at the door"

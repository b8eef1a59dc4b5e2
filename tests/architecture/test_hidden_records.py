"""Every endpoint answers a caller who cannot see a record exactly as if the record did not exist."""

import json
import re
import uuid
from typing import Any

from fastapi import FastAPI

from tests.support.endpoint_samples import (
    create_alert,
    create_complete_case,
    fill_ids,
    supervision_payloads,
    write_payloads,
)
from tests.support.endpoints import list_endpoints
from tests.support.fund import create_fund
from tests.support.referrals import REFERRAL_ACT_PAYLOADS
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.service_referrals import create_provider

CALLERS = ("worker_south", "supervisor_south", "partner_two")
"""Callers who cannot see the case, and whose roles pass most guards (see `permission_matrix.txt`)."""
BREAK_GLASS_ENDPOINT = "POST /v1/cases/{case_id}/break-glass"
"""Excluded, because it grants access to a case and therefore has to reveal whether the case exists."""
CREATE_DISBURSEMENT_ENDPOINT = "POST /v1/disbursements"
"""Has the id of the case in its body, so its response is 422 instead of 404."""
OTHER_PAYLOADS: dict[str, Any] = {
    "POST /v1/alerts/{alert_id}/acknowledge": {},
    "PATCH /v1/referrals/{referral_id}": {"urgency": "routine"},
    "POST /v1/referrals/{referral_id}/allow-matching": {"reason": "The referrer corrected the age."},
    **{f"POST /v1/referrals/{{referral_id}}/{act}": body for act, body in REFERRAL_ACT_PAYLOADS.items()},
}


async def get_normalized_response(
    caller: AuthenticatedClient, endpoint: str, ids: dict[str, str]
) -> tuple[int, Any]:
    """Send the request; return the status, and the body without ids of records and of the request."""
    method, _, path = endpoint.partition(" ")
    options = (
        {}
        if method == "GET"
        else {
            "json": fill_ids((write_payloads() | supervision_payloads() | OTHER_PAYLOADS).get(endpoint), ids)
        }
    )
    response = await caller.request(method, path.format(**ids), etag='"1"', **options)
    text = response.text
    for record_id in ids.values():
        text = text.replace(record_id, "?")
    return response.status_code, {**json.loads(text), "request_id": "?"}


async def test_hidden_record_is_answered_like_a_missing_one(scenario: Scenario, app: FastAPI) -> None:
    # Catches: a policy that shows every goal to all roles; another that shows every referral.
    complete_case = await create_complete_case(scenario)
    hidden_ids = {name: str(value) for name, value in complete_case.items() if name.endswith("_id")}
    hidden_ids["alert_id"] = await create_alert(scenario)
    south = await scenario.open_case("worker_south")
    visible_ids = {
        "area": "education",
        "fund_id": (await create_fund(scenario))["id"],
        "provider_id": await create_provider(scenario),
        "south_id": south["id"],
        "south_child_id": south["child_id"],
    }
    missing_ids = {name: str(uuid.uuid4()) for name in hidden_ids}
    endpoints = [
        str(endpoint)
        for endpoint in list_endpoints(app)
        if hidden_ids.keys() & re.findall(r"\w+", endpoint.path) and str(endpoint) != BREAK_GLASS_ENDPOINT
    ]
    assert len(endpoints) >= 90
    not_found_count = 0
    for endpoint in [*endpoints, CREATE_DISBURSEMENT_ENDPOINT]:
        for caller in CALLERS:
            hidden, missing = [
                await get_normalized_response(
                    scenario.client_for(caller), endpoint, {**visible_ids, **record_ids}
                )
                for record_ids in (hidden_ids, missing_ids)
            ]
            assert hidden == missing, (endpoint, caller)
            assert hidden[0] in {403, 404} or endpoint == CREATE_DISBURSEMENT_ENDPOINT, (
                endpoint,
                caller,
                hidden,
            )
            not_found_count += hidden[0] == 404
    assert not_found_count > len(endpoints), "most requests must pass the guard"

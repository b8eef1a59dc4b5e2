"""Random hostile requests: no response reveals a record that its caller cannot see, or a child without a log entry.

`make attack` sends many more requests. `bench/results/attack.md` contains its figures.
"""

import os
from collections import Counter
from random import Random
from typing import Any

from fastapi import FastAPI

from tests.attack.attack_report import write_figures
from tests.attack.leak_oracle import Exchange, LeakOracle
from tests.attack.request_generator import HostileRequest, RequestGenerator
from tests.support.endpoint_samples import create_complete_case
from tests.support.fund import create_fund
from tests.support.responses import expect_json
from tests.support.scenario import Scenario
from tests.support.service_referrals import create_provider

REQUESTS = int(os.environ.get("ATTACK_REQUESTS", "800"))
SEED = int(os.environ.get("ATTACK_SEED", "1"))
STATUSES_OF_A_USEFUL_RUN = {200, 201, 400, 401, 403, 404, 409, 412, 422, 428}
"""Statuses that occur if the requests reach all layers of the application."""


async def create_targets(scenario: Scenario) -> dict[str, list[str]]:
    """Create cases of two teams with records of each kind, and return the ids by path parameter."""
    ids: dict[str, list[str]] = {}
    for name, value in (await create_complete_case(scenario)).items():
        if name.endswith("_id"):
            ids[name] = [str(value)]
    south = await scenario.open_case("worker_south")
    link = {"linked_case_id": (await scenario.open_case())["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{south['id']}/links", link), 201)
    for by in ("partner_one", "partner_two"):
        ids["referral_id"].append((await scenario.create_referral(by))["id"])
    ids["case_id"].append(south["id"])
    ids["child_id"].append(south["child_id"])
    ids["fund_id"] = [(await create_fund(scenario))["id"]]
    ids["provider_id"] = [await create_provider(scenario)]
    return ids


async def learn_texts(scenario: Scenario, oracle: LeakOracle) -> None:
    """Teach the oracle the given names, which are unique, and the numbers of the cases."""
    children = expect_json(await scenario.manager.get("/v1/children?limit=200"))["items"]
    oracle.child_by_text = {child["names"][0]["given"]: child["id"] for child in children}


async def send(scenario: Scenario, request: HostileRequest) -> Exchange:
    response = await scenario.http.request(
        request.method,
        request.path,
        params=request.params or None,
        content=request.content,
        headers=request.headers,
    )
    return Exchange(
        request.caller,
        request.method,
        request.path,
        request.text,
        request.readable_text,
        response.status_code,
        response.text,
        response.headers.get("x-request-id", ""),
    )


async def test_hostile_requests_reveal_nothing_and_are_logged(
    scenario: Scenario, app: FastAPI, superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: a policy of goals that shows all rows; a page that records the row after its last item.
    oracle = LeakOracle(superuser_connection, api_connection)
    generator = RequestGenerator(app, Random(SEED), await create_targets(scenario))  # noqa: S311 - reproducible
    await oracle.learn_records()
    await learn_texts(scenario, oracle)
    statuses: Counter[int] = Counter()
    leaks: list[tuple[str, str | None, list[str]]] = []
    for _ in range(REQUESTS):
        request = generator.next_request()
        scope = await oracle.fetch_scope(request.caller)
        exchange = await send(scenario, request)
        statuses[exchange.status] += 1
        if exchange.method != "GET" and exchange.status < 300:
            await oracle.learn_records()
            if exchange.path.endswith("/detach"):
                oracle.forget_texts(exchange.response_text)
        found = await oracle.find_leaks(exchange, scope)
        if found:
            leaks.append(
                (f"{exchange.method} {exchange.request_text} {exchange.status}", exchange.caller, found)
            )
    write_figures(
        "Requests of a hostile client", statuses.total(), len(leaks), dict(sorted(statuses.items()))
    )
    assert not leaks, "\n".join(map(str, leaks))
    assert statuses.keys() >= STATUSES_OF_A_USEFUL_RUN

"""After every request, the children in the answer are the children in the log, for every endpoint that reads."""

from typing import Any, get_type_hints

from fastapi import FastAPI

from app.schemas.wire import PageQuery
from tests.support.endpoint_samples import create_complete_case
from tests.support.endpoints import list_endpoints
from tests.support.scenario import Scenario, child_ids_in

WITHOUT_CHILDREN = {
    "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/v1/agencies",
    "/v1/agencies/{agency_id}", "/v1/api-clients", "/v1/api-clients/{client_id}", "/v1/codes", "/v1/codes/{name}", "/v1/me",
    "/v1/instruments", "/v1/instruments/{instrument_id}", "/v1/me/calendar-feeds", "/v1/me/sessions", "/v1/places",
    "/v1/providers", "/v1/providers/{provider_id}", "/v1/teams", "/v1/teams/{team_id}", "/v1/users", "/v1/users/{user_id}",
    "/v1/calendar/{token}.ics", "/v1/approval-limits", "/v1/books-closings", "/v1/exchange-rates",
    "/v1/fund-transfers/{transfer_id}", "/v1/funds", "/v1/funds/{fund_id}", "/v1/funds/{fund_id}/ledger",
    "/v1/funds/{fund_id}/transfers", "/v1/ledger-check", "/v1/unreceipted-money",
    *(f"/v1/funds/{{fund_id}}/statements/{{first_day}}/{{last_day}}{file}" for file in ("", "/statement.xlsx", "/statement.pdf")),
}  # fmt: skip
"""What reads nothing about a child. Whatever is not listed here must be walked below. (A calendar's feed has no caller;
what it leaves is in its own tests.)"""
FILES = ("/content", ".svg", ".pdf")
"""Answers that are no JSON: a picture, a page, a file, of one child."""


async def test_every_reading_endpoint_logs_exactly_the_children_it_shows(
    scenario: Scenario, app: FastAPI
) -> None:
    # Planted: `Case` taken out of RECORD_KINDS; a page that looks one row ahead.
    ids = await create_complete_case(scenario)
    case, other = ids["case"], await scenario.open_case()
    await scenario.open_case("worker_south")
    await scenario.worker_south.post(
        f"/v1/cases/{case['id']}/break-glass", {"reason": "The child is in hospital now."}
    )
    await scenario.supervisor_both.post(
        f"/v1/cases/{case['id']}/links", {"linked_case_id": other["id"], "reason": "They are cousins."}
    )
    walked = {e.path for e in list_endpoints(app) if e.method == "GET"} - WITHOUT_CHILDREN
    assert len(walked) >= 45
    for path in sorted(walked):
        seen = set()
        for caller in (
            scenario.worker_south,
            scenario.worker_north,
            scenario.supervisor_both,
            scenario.manager,
            scenario.dpo,
        ):
            answer = await caller.get(path.format(**ids), params={"limit": 2} if is_list(app, path) else None)
            seen.add(answer.status_code)
            if answer.status_code != 200:
                assert answer.status_code in {403, 404}, (path, caller.name, answer.text)
                continue
            logged = {
                e["child_id"]
                for e in await scenario.list_access_entries(answer.headers["x-request-id"])
                if e["child_id"]
            }
            # What is asked about a referral's child is about that child, whatever the answer.
            asked = {case["child_id"]} if path.endswith(("/matches", *FILES)) else set()
            told = set() if path.endswith(FILES) else shown_by(path, answer.json())
            assert logged == told | asked, (path, caller.name)
        assert 200 in seen, (path, "nobody read it: nothing was tried")


def is_list(app: FastAPI, path: str) -> bool:
    (found,) = [e for e in list_endpoints(app) if e.path == path and e.method == "GET"]
    kinds = get_type_hints(found.function).values()
    return any(isinstance(kind, type) and issubclass(kind, PageQuery) for kind in kinds)


def shown_by(path: str, document: Any) -> set[str]:
    if path == "/v1/children":
        return {item["id"] for item in document["items"]}
    return (
        {document["id"]} if path == "/v1/children/{child_id}" else child_ids_in(document) | linked(document)
    )


def linked(document: Any) -> set[str]:
    items = document.get("items", []) if isinstance(document, dict) else []
    return {item["linked_child_id"] for item in items if "linked_child_id" in item}

"""The access log of every reading endpoint contains exactly the children in its response."""

from typing import Any, get_type_hints

from fastapi import FastAPI

from app.schemas.wire import PageQuery
from tests.support.endpoint_samples import create_alert, create_complete_case
from tests.support.endpoints import list_endpoints
from tests.support.scenario import Scenario, child_ids_in, id_of

WITHOUT_CHILDREN = {
    "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/v1/agencies",
    "/v1/agencies/{agency_id}", "/v1/api-clients", "/v1/api-clients/{client_id}", "/v1/codes", "/v1/codes/fault",
    "/v1/codes/{name}", "/v1/me",
    "/v1/instruments", "/v1/instruments/{instrument_id}", "/v1/me/calendar-feeds", "/v1/me/sessions", "/v1/places",
    "/v1/places/{code}", "/v1/staff",
    "/v1/outreach-activities", "/v1/outreach-activities/{outreach_activity_id}",
    *(f"/v1/outreach-activities/{{outreach_activity_id}}/{part}" for part in ("attachments", "history")),
    *(f"/v1/outreach-attachments/{{outreach_attachment_id}}{file}" for file in ("", "/content")),
    "/v1/providers", "/v1/providers/{provider_id}", "/v1/teams", "/v1/teams/{team_id}", "/v1/users", "/v1/users/{user_id}",
    "/v1/pending-changes", "/v1/pending-changes/{change_id}",
    "/v1/calendar/{token}.ics", "/v1/approval-limits", "/v1/books-closings", "/v1/exchange-rates",
    "/v1/caseload-standard", "/v1/donor-grants", "/v1/donor-grants/{grant_id}", "/v1/reports", "/v1/reports/{name}",
    "/v1/report-runs", "/v1/report-runs/{run_id}", "/v1/report-runs/{run_id}/content",
    "/v1/releases", "/v1/releases/{release_id}",
    "/v1/fund-transfers/{transfer_id}", "/v1/funds", "/v1/funds/{fund_id}", "/v1/funds/{fund_id}/ledger",
    "/v1/disbursements/{disbursement_id}/finance-documents/{document_id}/content", "/v1/deposits/{deposit_id}", "/v1/funds/{fund_id}/deposits",
    "/v1/funds/{fund_id}/transfers", "/v1/ledger-check", "/v1/unreceipted-money",
    "/v1/service-referrals/{service_referral_id}/letter.pdf",
    *(f"/v1/funds/{{fund_id}}/statements/{{first_day}}/{{last_day}}{file}" for file in ("", "/statement.xlsx", "/statement.pdf")),
}  # fmt: skip
"""Endpoints that return nothing about children, or that have tests of their own: the calendar feed, the documents for
finance, and the letter of a service referral, which exists after it was sent."""
FILES = ("/content", ".svg", ".pdf")
"""Path suffixes of endpoints that return a file about one child instead of JSON."""


async def test_access_log_contains_exactly_the_children_of_the_response(
    scenario: Scenario, app: FastAPI
) -> None:
    # Catches: `Case` removed from RECORD_KINDS; a page that records the row after its last item.
    ids = await create_complete_case(scenario)
    ids["alert_id"] = await create_alert(scenario)
    ids["team_id"] = id_of("north")
    case, other = ids["case"], await scenario.open_case()
    await scenario.open_case("worker_south")
    await scenario.worker_south.post(
        f"/v1/cases/{case['id']}/break-glass", {"reason": "The child is in hospital now."}
    )
    await scenario.supervisor_both.post(
        f"/v1/cases/{case['id']}/links", {"linked_case_id": other["id"], "reason": "They are cousins."}
    )
    paths = {endpoint.path for endpoint in list_endpoints(app) if endpoint.method == "GET"} - WITHOUT_CHILDREN
    assert len(paths) >= 45
    for path in sorted(paths):
        statuses = set()
        for caller in (
            scenario.worker_south,
            scenario.worker_north,
            scenario.supervisor_both,
            scenario.manager,
            scenario.dpo,
        ):
            params = {"limit": 2} if is_list(app, path) else None
            response = await caller.get(path.format(**ids), params=params)
            statuses.add(response.status_code)
            if response.status_code != 200:
                assert response.status_code in {403, 404}, (path, caller.name, response.text)
                continue
            entries = await scenario.list_access_entries(response.headers["x-request-id"])
            logged = {entry["child_id"] for entry in entries if entry["child_id"]}
            # A search for duplicates concerns the child of the referral, even if the response is empty.
            subject = {case["child_id"]} if path.endswith(("/matches", *FILES)) else set()
            document = None if path.endswith(FILES) else response.json()
            named = subject | (returned_child_ids(path, document) if document else set())
            hidden_count = count_hidden_matches(path, document)
            assert named <= logged, (path, caller.name)
            assert len(logged) == len(named) + hidden_count, (path, caller.name)
        assert 200 in statuses, (path, "no caller can read it, so nothing was tested")


def is_list(app: FastAPI, path: str) -> bool:
    (endpoint,) = [
        endpoint for endpoint in list_endpoints(app) if endpoint.path == path and endpoint.method == "GET"
    ]
    annotations = get_type_hints(endpoint.function).values()
    return any(isinstance(item, type) and issubclass(item, PageQuery) for item in annotations)


def returned_child_ids(path: str, document: Any) -> set[str]:
    if path == "/v1/children":
        return {item["id"] for item in document["items"]}
    if path == "/v1/children/{child_id}":
        return {document["id"]}
    if path.endswith("/matches"):
        return {item["id"] for item in document["items"] if item["kind"] != "referral" and item["is_visible"]}
    return child_ids_in(document) | linked_child_ids(document)


def linked_child_ids(document: Any) -> set[str]:
    items = document.get("items", []) if isinstance(document, dict) else []
    return {item["linked_child_id"] for item in items if "linked_child_id" in item}


def count_hidden_matches(path: str, document: Any) -> int:
    """Return the number of hidden children among the matches of a referral. Their ids are not those in the log."""
    items = document["items"] if path.endswith("/matches") else []
    return sum(item["kind"] == "child" and not item["is_visible"] for item in items)

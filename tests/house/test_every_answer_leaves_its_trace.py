"""After every request, the children in the answer are the children in the log, for every endpoint that reads."""

from typing import Any

from fastapi import FastAPI

from tests.house.surface import endpoints
from tests.world import World, children_in

WITHOUT_CHILDREN = {
    "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/v1/agencies",
    "/v1/agencies/{agency_id}", "/v1/api-clients", "/v1/api-clients/{client_id}", "/v1/codes", "/v1/codes/{name}", "/v1/me",
    "/v1/me/sessions", "/v1/places", "/v1/teams", "/v1/teams/{team_id}", "/v1/users", "/v1/users/{user_id}",
}  # fmt: skip
"""What reads nothing about a child. Whatever is not listed here must be walked below."""


async def test_every_reading_endpoint_logs_exactly_the_children_it_shows(world: World, app: FastAPI) -> None:
    # Planted: `Case` taken out of RECORD_KINDS; a page that looks one row ahead.
    here = [await world.case() for _ in range(3)]
    await world.case("worker_south")
    case, other = here[0], here[1]
    people = (await world.worker_north.get(f"/v1/cases/{case['id']}/people")).json()["items"]
    consents = (await world.worker_north.get(f"/v1/cases/{case['id']}/consents")).json()["items"]
    await world.worker_south.post(
        f"/v1/cases/{case['id']}/break-glass", {"reason": "The child is in hospital now."}
    )
    await world.supervisor_both.post(
        f"/v1/cases/{case['id']}/links", {"linked_case_id": other["id"], "reason": "They are cousins."}
    )
    ids = {
        "case_id": case["id"], "child_id": case["child_id"], "referral_id": case["referral_id"],
        "person_id": people[0]["id"], "consent_id": consents[0]["id"],
    }  # fmt: skip
    walked = {e.path for e in endpoints(app) if e.method == "GET"} - WITHOUT_CHILDREN
    assert len(walked) >= 16
    for path in sorted(walked):
        for caller in (world.worker_south, world.supervisor_both, world.manager, world.dpo):
            answer = await caller.get(
                path.format(**ids), params={"limit": 2} if not path.endswith("}") else None
            )
            if answer.status_code != 200:
                assert answer.status_code in {403, 404}, (path, caller.name, answer.text)
                continue
            logged = {e["child_id"] for e in await world.log(answer.headers["x-request-id"]) if e["child_id"]}
            # What is asked about a referral's child is about that child, whatever the answer.
            asked = {case["child_id"]} if path.endswith("/matches") else set()
            assert logged == shown_by(path, answer.json()) | asked, (path, caller.name)


def shown_by(path: str, document: Any) -> set[str]:
    if path == "/v1/children":
        return {item["id"] for item in document["items"]}
    return {document["id"]} if path == "/v1/children/{child_id}" else children_in(document) | linked(document)


def linked(document: Any) -> set[str]:
    items = document.get("items", []) if isinstance(document, dict) else []
    return {item["linked_child_id"] for item in items if "linked_child_id" in item}

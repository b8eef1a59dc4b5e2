"""Helpers for tests of outreach activities: payloads and new records."""

from base64 import b64encode
from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import Scenario

ACTIVITIES = "/v1/outreach-activities"
AWARENESS_PAYLOAD: dict[str, Any] = {
    "kind": "awareness_session",
    "title": "Body safety in grade 5",
    "topic": "body_safety",
    "programme": "prevention",
    "starts_on": "2026-03-10",
    "place_code": "1710",
    "participants": [{"audience": "children", "persons": 40}],
}
"""A session on one day, with nothing but the required fields."""
TRAINING_PAYLOAD: dict[str, Any] = {
    "kind": "training",
    "title": "Working with boys",
    "topic": "boys_and_gender",
    "programme": "capacity_building",
    "starts_on": "2026-04-06",
    "ends_on": "2026-04-08",
    "sessions": 3,
    "place_code": "120101",
    "venue": "Office of the province",
    "partner_names": ["Provincial office"],
    "facilitator_agencies": ["Helping Hands"],
    "participants": [
        {
            "audience": "social_service_workers",
            "persons": 18,
            "attendances": 50,
            "by_sex": {"male": 7, "female": 10},
            "by_age_group": {"from_25_to_59": 18},
            "by_disability": {"yes": 1, "no": 17, "unknown": 0},
        },
    ],
    "scores": {
        "maximum": 20,
        "before": {"persons": 18, "mean": 9.4},
        "after": {"persons": 17, "mean": 15.25},
    },
    "description": "Three days with practice.",
}
"""A training of three days with all numbers."""
ATTACHMENT_PAYLOAD: dict[str, Any] = {
    "title": "Programme",
    "file_name": "programme.txt",
    "content": b64encode(b"Day 1: introduction").decode(),
}


async def create_activity(
    scenario: Scenario,
    client_name: str = "worker_north",
    payload: dict[str, Any] = AWARENESS_PAYLOAD,
    **changes: Any,
) -> dict[str, Any]:
    """Record an activity, by default an awareness session."""
    response = await scenario.client_for(client_name).post(ACTIVITIES, {**payload, **changes})
    return expect_json(response, 201)


async def create_attachment(scenario: Scenario, activity: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Add an attachment to an activity."""
    path = f"{ACTIVITIES}/{activity['id']}/attachments"
    return expect_json(await scenario.worker_north.post(path, {**ATTACHMENT_PAYLOAD, **changes}), 201)

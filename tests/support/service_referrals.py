"""Helpers for tests of service referrals: drafts, consents, providers and acts."""

from typing import Any

from tests.support.payloads import HOSPITAL_PAYLOAD, PROVIDER_CONSENT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

SERVICE_REFERRAL_ACT_PAYLOADS: dict[str, dict[str, Any] | None] = {
    "send": None,
    "accept": {"note": "Monday at eight."},
    "decline": {"reason": "No bed."},
    "complete": {"outcome": "need_met", "note": "Treated."},
    "cancel": {"reason": "The family moved."},
}
ACTS_TO_STATUS = {
    "draft": (),
    "sent": ("send",),
    "accepted": ("send", "accept"),
    "declined": ("send", "decline"),
    "completed": ("send", "accept", "complete"),
    "cancelled": ("cancel",),
}


async def build_service_referral_payload(
    scenario: Scenario, case_path: str, **changes: Any
) -> dict[str, Any]:
    """Return a payload for a new service referral. By default it uses a new provider and a consent of the caregiver."""
    payload = {
        "service": "medical",
        "need": "Stomach pain.",
        "shared_fields": ["names", "age", "need"],
        **changes,
    }
    if "provider_id" not in payload:
        payload["provider_id"] = await create_provider(scenario)
    if not {"consent_id", "basis_without_consent"} & payload.keys():
        payload["consent_id"] = await create_consent(scenario, case_path)
    return payload


async def create_consent(scenario: Scenario, case_path: str, **changes: Any) -> str:
    return str(
        expect_json(
            await scenario.worker_north.post(
                f"{case_path}/consents", {**PROVIDER_CONSENT_PAYLOAD, **changes}
            ),
            201,
        )["id"]
    )


async def create_service_referral(scenario: Scenario, case_path: str, **changes: Any) -> str:
    """Create a draft service referral and return its path."""
    response = await scenario.worker_north.post(
        f"{case_path}/service-referrals", await build_service_referral_payload(scenario, case_path, **changes)
    )
    expect_json(response, 201)
    return str(response.headers["location"])


async def list_service_referral_lines(scenario: Scenario, case_path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return kind and detail of the timeline entries about service referrals, oldest first."""
    items = expect_json(await scenario.worker_north.get(f"{case_path}/timeline"))["items"]
    return [
        (entry["kind"], entry["detail"])
        for entry in items[::-1]
        if entry["record_kind"] == "service_referral"
    ]


async def create_provider(scenario: Scenario, **changes: Any) -> str:
    return str(
        expect_json(
            await scenario.supervisor_north.post("/v1/providers", {**HOSPITAL_PAYLOAD, **changes}), 201
        )["id"]
    )

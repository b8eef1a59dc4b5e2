"""Service referrals: drafts, consents, acts."""

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


async def build_service_referral_payload(scenario: Scenario, case: str, **changes: Any) -> dict[str, Any]:
    """What a worker writes who asks a hospital for help, on the caregiver's consent."""
    told = {
        "service": "medical",
        "need": "Stomach pain.",
        "shared_fields": ["names", "age", "need"],
        **changes,
    }
    if "provider_id" not in told:
        told["provider_id"] = await create_provider(scenario)
    if not {"consent_id", "basis_without_consent"} & told.keys():
        told["consent_id"] = await create_consent(scenario, case)
    return told


async def create_consent(scenario: Scenario, case: str, **changes: Any) -> str:
    return str(
        expect_json(
            await scenario.worker_north.post(f"{case}/consents", {**PROVIDER_CONSENT_PAYLOAD, **changes}), 201
        )["id"]
    )


async def create_service_referral(scenario: Scenario, case: str, **changes: Any) -> str:
    """The path of a draft."""
    made = await scenario.worker_north.post(
        f"{case}/service-referrals", await build_service_referral_payload(scenario, case, **changes)
    )
    expect_json(made, 201)
    return str(made.headers["location"])


async def list_service_referral_lines(scenario: Scenario, case: str) -> list[tuple[str, dict[str, Any]]]:
    """The timeline since the case was opened, oldest first."""
    items = expect_json(await scenario.worker_north.get(f"{case}/timeline"))["items"]
    return [
        (line["kind"], line["detail"]) for line in items[::-1] if line["record_kind"] == "service_referral"
    ]


async def create_provider(scenario: Scenario, **changes: Any) -> str:
    return str(
        expect_json(
            await scenario.supervisor_north.post("/v1/providers", {**HOSPITAL_PAYLOAD, **changes}), 201
        )["id"]
    )

"""Service referrals: drafts, life cycle and permissions."""

import asyncio
import uuid

from tests.support.case_lifecycle import create_case_path
from tests.support.list_pages import check_order, fetch_ids, fetch_items
from tests.support.payloads import VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import (
    ACTS_TO_STATUS,
    SERVICE_REFERRAL_ACT_PAYLOADS,
    build_service_referral_payload,
    create_consent,
    create_provider,
    create_service_referral,
    list_service_referral_lines,
)
from tests.support.sql_statements import record_statements

PERMITTED_ACTS = {
    ("draft", "send"), ("sent", "accept"), ("sent", "decline"), ("accepted", "complete"),
    ("draft", "cancel"), ("sent", "cancel"), ("accepted", "cancel"),
}  # fmt: skip


async def test_draft_is_created_and_updated_without_sharing_data(scenario: Scenario) -> None:
    case_path, worker, referral_id = (
        await create_case_path(scenario),
        scenario.worker_north,
        str(uuid.uuid4()),
    )
    payload = {
        **await build_service_referral_payload(
            scenario, case_path, area="physical_health", shared_fields=["need", "age", "need"]
        ),
        "id": referral_id,
    }
    response = await worker.post(f"{case_path}/service-referrals", payload, key="once")
    referral, referral_path = expect_json(response, 201), f"/v1/service-referrals/{referral_id}"
    assert (response.headers["location"], response.headers["etag"]) == (referral_path, '"1"')
    assert {name: referral[name] for name in payload} == {**payload, "shared_fields": ["need", "age"]}
    assert (referral["status"], referral["shared"], referral["sent_at"]) == ("draft", None, None)
    assert (referral["author_id"], referral["provider_name"]) == (str(worker.id), "មន្ទីរពេទ្យ Angkor Hospital")
    assert expect_json(await worker.get(referral_path)) == referral
    replayed_response = await worker.post(f"{case_path}/service-referrals", payload, key="once")
    assert (replayed_response.headers["idempotent-replayed"], replayed_response.json()) == ("true", referral)
    assert expect_json(await worker.get(f"{case_path}/service-referrals"))["items"] == [referral]
    assert await list_service_referral_lines(scenario, case_path) == []

    patch = {
        "consent_id": None,
        "basis_without_consent": VITAL_INTEREST_BASIS,
        "area": None,
        "need": "Fever.",
    }
    updated_referral = expect_json(await worker.patch(referral_path, patch, etag='"1"'))
    assert {name: updated_referral[name] for name in ("area", "need", "consent_id", "version")} == {
        "area": None, "need": "Fever.", "consent_id": None, "version": 2,
    }  # fmt: skip
    assert updated_referral["basis_without_consent"] == {**VITAL_INTEREST_BASIS, "child_told": None}
    assert parse_faults(
        await worker.patch(referral_path, {"consent_id": payload["consent_id"]}, etag='"2"')
    ) == {("", "consent_or_basis")}
    assert (await worker.patch(referral_path, patch, etag='"1"')).status_code == 412
    assert expect_json(await worker.get(referral_path)) == updated_referral


async def test_draft_rejects_invalid_fields_and_records_of_other_cases(scenario: Scenario) -> None:
    case_path, other_case_path = await create_case_path(scenario), await create_case_path(scenario)
    payload, other_consent_id, unknown_id = (
        await build_service_referral_payload(scenario, case_path),
        await create_consent(scenario, other_case_path),
        str(uuid.uuid4()),
    )
    for invalid_fields, expected_fault in (
        ({"provider_id": unknown_id}, ("/provider_id", "reference_unknown")),
        ({"consent_id": other_consent_id}, ("/consent_id", "reference_unknown")),
        ({"consent_id": unknown_id}, ("/consent_id", "reference_unknown")),
        ({"goal_id": unknown_id}, ("/goal_id", "reference_unknown")),
        ({"consent_id": None}, ("", "consent_or_basis")),
        ({"basis_without_consent": VITAL_INTEREST_BASIS}, ("", "consent_or_basis")),
        ({"shared_fields": []}, ("/shared_fields", "too_short")),
        ({"shared_fields": ["diagnosis"]}, ("/shared_fields/0", "literal_error")),
        ({"service": "magic"}, ("/service", "literal_error")),
        ({"need": " "}, ("/need", "blank")),
        ({"status": "sent"}, ("/status", "extra_forbidden")),
    ):
        response = await scenario.worker_north.post(
            f"{case_path}/service-referrals", {**payload, **invalid_fields}
        )
        assert parse_faults(response) == {expected_fault}, invalid_fields
    assert expect_json(await scenario.worker_north.get(f"{case_path}/service-referrals"))["items"] == []


async def test_each_act_is_permitted_in_its_source_statuses_only(scenario: Scenario) -> None:
    case_path, worker, provider_id = (
        await create_case_path(scenario),
        scenario.worker_north,
        await create_provider(scenario),
    )
    consent_id = await create_consent(scenario, case_path)
    for status, previous_acts in ACTS_TO_STATUS.items():
        for act, payload in SERVICE_REFERRAL_ACT_PAYLOADS.items():
            referral_path = await create_service_referral(
                scenario, case_path, provider_id=provider_id, consent_id=consent_id
            )
            for previous_act in previous_acts:
                expect_json(
                    await worker.act(referral_path, previous_act, SERVICE_REFERRAL_ACT_PAYLOADS[previous_act])
                )
            referral_before = expect_json(await worker.get(referral_path))
            response = await worker.act(referral_path, act, payload)
            if (status, act) in PERMITTED_ACTS:
                assert expect_json(response)["status"] not in {status, "draft"}, (status, act)
            else:
                assert parse_unmet_pointers(response) == {"status": "/status"}, (status, act)
                assert expect_json(await worker.get(referral_path)) == referral_before
    response = await worker.patch(referral_path, {"need": "More."}, etag=f'"{referral_before["version"]}"')
    assert parse_unmet_pointers(response) == {"frozen": "/status"}


async def test_acts_store_their_texts_and_timeline_entries(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    referral_path = await create_service_referral(scenario, case_path, service="mental_health")
    for act, invalid_fields, expected_fault in (
        ("complete", {"outcome": "cured"}, ("/outcome", "literal_error")),
        ("decline", {}, ("/reason", "missing")),
        ("cancel", {"reason": ""}, ("/reason", "string_too_short")),
    ):
        assert parse_faults(await worker.act(referral_path, act, invalid_fields)) == {expected_fault}
    for act in ("send", "accept", "complete"):
        referral = expect_json(await worker.act(referral_path, act, SERVICE_REFERRAL_ACT_PAYLOADS[act]))
    assert (referral["status"], referral["outcome"], referral["outcome_note"]) == (
        "completed",
        "need_met",
        "Treated.",
    )
    assert (referral["answer"], referral["reason"], referral["version"]) == ("Monday at eight.", None, 4)
    assert referral["sent_at"] < referral["answered_at"] < referral["ended_at"] == referral["updated_at"]
    expected_detail = {
        "provider_id": referral["provider_id"],
        "provider_name": referral["provider_name"],
        "service": "mental_health",
    }
    assert await list_service_referral_lines(scenario, case_path) == [
        ("service_referral_sent", {**expected_detail, "shared_fields": ["names", "age", "need"]}),
        ("service_referral_accepted", expected_detail),
        ("service_referral_completed", {**expected_detail, "outcome": "need_met"}),
    ]
    declined_path = await create_service_referral(scenario, case_path)
    expect_json(await worker.act(declined_path, "send"))
    declined_referral = expect_json(
        await worker.act(declined_path, "decline", SERVICE_REFERRAL_ACT_PAYLOADS["decline"])
    )
    assert (declined_referral["reason"], declined_referral["answered_at"]) == (
        "No bed.",
        declined_referral["ended_at"],
    )
    cancelled_referral = expect_json(
        await worker.act(
            await create_service_referral(scenario, case_path),
            "cancel",
            SERVICE_REFERRAL_ACT_PAYLOADS["cancel"],
        )
    )
    assert (
        cancelled_referral["reason"],
        cancelled_referral["shared"],
        cancelled_referral["answered_at"],
    ) == (
        "The family moved.",
        None,
        None,
    )
    assert (
        expect_json(await worker.act(await create_service_referral(scenario, case_path), "cancel"))["reason"]
        is None
    )
    assert (
        expect_json(await worker.act(await create_service_referral(scenario, case_path), "cancel", {}))[
            "reason"
        ]
        is None
    )
    list_path = f"{case_path}/service-referrals"
    for params, count in (
        ({"status": "completed"}, 1),
        ({"status": "completed,declined"}, 2),
        ({"status": "draft"}, 0),
        ({"service": "mental_health,legal"}, 1),
        ({"provider_id": f"{referral['provider_id']},{declined_referral['provider_id']}"}, 2),
    ):
        assert len(await fetch_ids(worker, list_path, **params)) == count, params
    items = await fetch_items(worker, list_path)
    assert referral in items
    assert referral["author"] == referral["sent_by"] == {"id": str(worker.id), "name": "Worker North"}
    for sort in ("created_at", "updated_at"):
        in_order = sorted(items, key=lambda item: str(item[sort]))
        await check_order(worker, list_path, sort, [item["id"] for item in in_order])


async def test_concurrent_acts_leave_one_success(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    referral_path = await create_service_referral(scenario, case_path)
    expect_json(await worker.act(referral_path, "send"))
    requests = [
        worker.post(f"{referral_path}/{act}", SERVICE_REFERRAL_ACT_PAYLOADS[act], etag='"2"')
        for act in ("accept", "decline", "cancel")
    ]
    statuses = sorted([response.status_code for response in await asyncio.gather(*requests)])
    assert statuses == [200, 412, 412]
    assert len(await list_service_referral_lines(scenario, case_path)) == 2


async def test_service_referral_permissions_of_each_role(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    create_payload = await build_service_referral_payload(scenario, case_path)
    referral_path = await create_service_referral(scenario, case_path)
    for name, expected_status, has_write_permission in (
        ("worker_north", 200, True), ("supervisor_north", 200, True), ("manager", 200, False),
        ("worker_north_2", 404, True), ("worker_south", 404, True), ("supervisor_south", 404, True),
        ("finance", 403, False), ("dpo", 403, False), ("admin", 403, False), ("partner_one", 403, False),
    ):  # fmt: skip
        caller = scenario.client_for(name)
        assert (await caller.get(referral_path)).status_code == expected_status, name
        assert (await caller.get(f"{case_path}/service-referrals")).status_code == expected_status, name
        if expected_status == 200:
            continue
        expected_write_status = 404 if has_write_permission else 403
        assert (
            await caller.post(f"{case_path}/service-referrals", create_payload)
        ).status_code == expected_write_status, name
        assert (
            await caller.patch(referral_path, {"need": "x"}, etag='"1"')
        ).status_code == expected_write_status, name
        for act, act_payload in SERVICE_REFERRAL_ACT_PAYLOADS.items():
            assert (
                await caller.post(f"{referral_path}/{act}", act_payload, etag='"1"')
            ).status_code == expected_write_status, (name, act)
    assert (await scenario.manager.post(f"{referral_path}/send", etag='"1"')).status_code == 403
    assert expect_json(await scenario.worker_north.get(referral_path))["version"] == 1


async def test_list_uses_a_fixed_number_of_statements(scenario: Scenario) -> None:
    case_path, statement_counts = await create_case_path(scenario), []
    for _ in range(2):
        for _ in range(2):
            await create_service_referral(
                scenario,
                case_path,
                provider_id=await create_provider(scenario, agency_id=str(id_of("Safe Steps"))),
            )
        with record_statements(scenario) as statements:
            expect_json(await scenario.worker_north.get(f"{case_path}/service-referrals"))
        statement_counts.append(len(statements))
    assert statement_counts == [1, 1]

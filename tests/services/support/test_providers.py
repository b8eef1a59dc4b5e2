"""The directory of service providers."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.list_pages import check_order, fetch_items
from tests.support.payloads import HOSPITAL_PAYLOAD
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.sql_statements import record_statements

PROVIDERS_PATH = "/v1/providers"


async def search_names(caller: AuthenticatedClient, **filters: Any) -> list[str]:
    items = expect_json(await caller.get(PROVIDERS_PATH, params=filters))["items"]
    return [item["name"] for item in items]


async def test_provider_is_added_read_and_updated(scenario: Scenario) -> None:
    supervisor, provider_id = scenario.supervisor_north, str(uuid.uuid4())
    response = await supervisor.post(
        PROVIDERS_PATH, {**HOSPITAL_PAYLOAD, "id": provider_id, "agency_id": str(id_of("Helping Hands"))}
    )
    hospital = expect_json(response, 201)
    assert (response.headers["location"], response.headers["etag"]) == (
        f"{PROVIDERS_PATH}/{provider_id}",
        '"1"',
    )
    assert hospital["name"] == "មន្ទីរពេទ្យ Angkor Hospital"
    contact = {
        "name": "Dr Lim", "position": "Paediatrics", "phone": "+85512345678", "phone_e164": "+85512345678", "email": None,
    }  # fmt: skip
    assert hospital["contacts"] == [contact]
    assert (hospital["is_active"], hospital["note"], hospital["safeguarding_valid_until"]) == (
        True,
        None,
        "2028-01-09",
    )
    assert expect_json(await scenario.worker_south.get(f"{PROVIDERS_PATH}/{provider_id}")) == hospital
    assert (await supervisor.post(PROVIDERS_PATH, {**HOSPITAL_PAYLOAD, "id": provider_id})).status_code == 409

    patch = {"is_active": False, "note": "Moves in May.", "agency_id": None, "contacts": None}
    assert hospital["agency"] == {"id": str(id_of("Helping Hands")), "name": "Helping Hands"}
    updated_provider = expect_json(
        await scenario.admin.patch(f"{PROVIDERS_PATH}/{provider_id}", patch, etag='"1"')
    )
    assert updated_provider == {
        **hospital, **patch, "agency": None, "contacts": [], "version": 2}  # fmt: skip
    assert (await supervisor.patch(f"{PROVIDERS_PATH}/{provider_id}", patch, etag='"1"')).status_code == 412
    assert (await supervisor.patch(f"{PROVIDERS_PATH}/{provider_id}", patch)).status_code == 428
    invalid_fields = {"safeguarding_checked_on": None}
    assert parse_faults(
        await supervisor.patch(f"{PROVIDERS_PATH}/{provider_id}", invalid_fields, etag='"2"')
    ) == {("", "safeguarding_unchecked")}
    assert expect_json(await supervisor.get(f"{PROVIDERS_PATH}/{provider_id}")) == updated_provider


async def test_renamed_provider_is_found_by_its_new_name(scenario: Scenario) -> None:
    # Catches: a grant of UPDATE on `name` without `name_key`.
    created = await scenario.admin.post(PROVIDERS_PATH, HOSPITAL_PAYLOAD)
    patch = {"name": " Lotus\u200b  Clinic"}
    path, etag = created.headers["location"], created.headers["etag"]
    renamed = expect_json(await scenario.admin.patch(path, patch, etag=etag))
    assert renamed["name"] == "Lotus Clinic"
    found = expect_json(await scenario.admin.get(PROVIDERS_PATH, params={"q": "LOTUS clinic"}))
    assert [item["id"] for item in found["items"]] == [renamed["id"]]


async def test_directory_is_filtered_by_each_parameter(scenario: Scenario) -> None:
    supervisor, worker = scenario.supervisor_north, scenario.worker_north
    for payload in (
        HOSPITAL_PAYLOAD,
        {
            **HOSPITAL_PAYLOAD,
            "name": "100% Legal Aid",
            "kind": "legal_aid",
            "services": ["legal"],
            "province_codes": [],
        },
        {
            **HOSPITAL_PAYLOAD,
            "name": "Phnom Penh School",
            "kind": "school",
            "services": ["education"],
            "province_codes": ["12"],
        },
        {
            **HOSPITAL_PAYLOAD,
            "name": "Old Shelter",
            "kind": "shelter",
            "services": ["shelter"],
            "is_active": False,
        },
    ):
        expect_json(await supervisor.post(PROVIDERS_PATH, payload), 201)
    hospital, legal_aid, school, shelter = (await search_names(worker))[::-1]
    assert await search_names(worker, q="hospital") == [hospital]
    assert await search_names(worker, q="ពេទ្យ") == [hospital]
    assert await search_names(worker, q="0% l") == [legal_aid]
    assert (
        await search_names(worker, q="ពេ\u200bទ្យ") == await search_names(worker, q="HOSPITAL") == [hospital]
    )
    assert await search_names(worker, q="១00%\u00a0\u2003legal") == [legal_aid]
    assert await search_names(worker, q="%%") == await search_names(worker, q="\u200b\u200b") == []
    assert await search_names(worker, service="medical") == [hospital]
    assert await search_names(worker, province_code="12") == [school, legal_aid]
    assert await search_names(worker, kind="shelter") == [shelter]
    assert await search_names(worker, is_active="true", province_code="17") == [legal_aid, hospital]
    assert await search_names(worker, service="medical,education") == [school, hospital]
    assert await search_names(worker, province_code="12,17") == [shelter, school, legal_aid, hospital]
    assert await search_names(worker, kind="shelter,school") == [shelter, school]
    assert await search_names(worker, q="al") == [legal_aid, hospital]
    counted = expect_json(
        await worker.get(PROVIDERS_PATH, params={"kind": "shelter,school", "count": "true"})
    )
    assert counted["total"] == 2
    providers = await fetch_items(worker, PROVIDERS_PATH)
    assert providers[1]["provinces"] == [{"code": "12", "name_km": "រាជធានីភ្នំពេញ", "name_en": "Phnom Penh"}]
    assert providers[2]["provinces"] == []
    ids = [item["id"] for item in providers]
    await check_order(worker, PROVIDERS_PATH, "created_at", ids[::-1])
    by_name = sorted(providers, key=lambda item: str(item["name"]))
    await check_order(worker, PROVIDERS_PATH, "name", [item["id"] for item in by_name])
    for params in ({"q": "al", "sort": "name"}, {"kind": "bar"}):
        expect_json(await worker.get(PROVIDERS_PATH, params=params), 422)
    with record_statements(scenario) as statements:
        expect_json(await worker.get(PROVIDERS_PATH))
    assert len(statements) == 1


async def test_provider_rejects_each_invalid_field(scenario: Scenario) -> None:
    supervisor, tomorrow = scenario.supervisor_north, (today() + timedelta(days=1)).isoformat()
    for invalid_fields, expected_fault in (
        ({"name": "\u2060"}, ("/name", "blank")),
        ({"kind": "bar"}, ("/kind", "literal_error")),
        ({"services": []}, ("/services", "too_short")),
        ({"province_codes": ["99"]}, ("/province_codes/0", "place_unknown")),
        ({"province_codes": ["1710"]}, ("/province_codes/0", "string_pattern_mismatch")),
        ({"safeguarding_checked_on": tomorrow, "safeguarding_valid_until": None}, ("/safeguarding_checked_on", "date_in_future")),
        ({"safeguarding_valid_until": "2026-01-09"}, ("", "period_reversed")),
        ({"safeguarding_checked_on": None}, ("", "safeguarding_unchecked")),
        ({"agency_id": str(uuid.uuid4())}, ("/agency_id", "reference_unknown")),
        ({"child_id": str(uuid.uuid4())}, ("/child_id", "extra_forbidden")),
    ):  # fmt: skip
        assert parse_faults(
            await supervisor.post(PROVIDERS_PATH, {**HOSPITAL_PAYLOAD, **invalid_fields})
        ) == {expected_fault}, invalid_fields
    assert await search_names(supervisor) == []


async def test_directory_permissions_of_each_role(scenario: Scenario) -> None:
    provider = expect_json(await scenario.manager.post(PROVIDERS_PATH, HOSPITAL_PAYLOAD), 201)
    provider_path = f"{PROVIDERS_PATH}/{provider['id']}"
    for name in ("worker_north", "finance", "dpo", "me_officer", "partner_one", "reporting"):
        caller = scenario.client_for(name)
        assert (await caller.post(PROVIDERS_PATH, HOSPITAL_PAYLOAD)).status_code == 403, name
        assert (await caller.patch(provider_path, {"note": "x"}, etag='"1"')).status_code == 403, name
        expected_status = 200 if name == "worker_north" else 403
        assert [(await caller.get(path)).status_code for path in (PROVIDERS_PATH, provider_path)] == [
            expected_status,
            expected_status,
        ], name
    assert (await scenario.worker_north.get(f"{PROVIDERS_PATH}/{uuid.uuid4()}")).status_code == 404

"""The directory of providers: who serves children, where, how to reach them, and whether they were checked."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.payloads import HOSPITAL_PAYLOAD
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import AuthenticatedClient, Scenario, id_of

HERE = "/v1/providers"


async def found(caller: AuthenticatedClient, **filters: Any) -> list[str]:
    items = expect_json(await caller.get(HERE, params=filters))["items"]
    return [item["name"] for item in items]


async def test_a_provider_is_entered_read_and_changed(scenario: Scenario) -> None:
    chief, chosen = scenario.supervisor_north, str(uuid.uuid4())
    made = await chief.post(
        HERE, {**HOSPITAL_PAYLOAD, "id": chosen, "agency_id": str(id_of("Helping Hands"))}
    )
    hospital = expect_json(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"{HERE}/{chosen}", '"1"')
    assert hospital["name"] == "មន្ទីរពេទ្យ Angkor Hospital"
    contact = {"name": "Dr Lim", "position": "Paediatrics", "phone": "+85512345678", "email": None}
    assert hospital["contacts"] == [contact]
    assert (hospital["is_active"], hospital["note"], hospital["safeguarding_valid_until"]) == (
        True,
        None,
        "2028-01-09",
    )
    assert expect_json(await scenario.worker_south.get(f"{HERE}/{chosen}")) == hospital
    assert (await chief.post(HERE, {**HOSPITAL_PAYLOAD, "id": chosen})).status_code == 409

    patch = {"is_active": False, "note": "Moves in May.", "agency_id": None, "contacts": None}
    changed = expect_json(await scenario.admin.patch(f"{HERE}/{chosen}", patch, etag='"1"'))
    assert changed == {**hospital, **patch, "contacts": [], "version": 2}
    assert (await chief.patch(f"{HERE}/{chosen}", patch, etag='"1"')).status_code == 412
    assert (await chief.patch(f"{HERE}/{chosen}", patch)).status_code == 428
    wrong = {"safeguarding_checked_on": None}
    assert parse_faults(await chief.patch(f"{HERE}/{chosen}", wrong, etag='"2"')) == {
        ("", "safeguarding_unchecked")
    }
    assert expect_json(await chief.get(f"{HERE}/{chosen}")) == changed


async def test_the_directory_is_searched_by_name_service_province_kind_and_use(scenario: Scenario) -> None:
    chief, worker = scenario.supervisor_north, scenario.worker_north
    for told in (
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
        expect_json(await chief.post(HERE, told), 201)
    hospital, legal, school, shelter = (await found(worker))[::-1]
    assert await found(worker, q="hospital") == [hospital]
    assert await found(worker, q="ពេទ្យ") == [hospital]
    assert await found(worker, q="0% l") == [legal]
    assert await found(worker, q="%%") == []
    assert await found(worker, service="medical") == [hospital]
    assert await found(worker, province_code="12") == [school, legal]
    assert await found(worker, kind="shelter") == [shelter]
    assert await found(worker, is_active="true", province_code="17") == [legal, hospital]
    first = expect_json(await worker.get(HERE, params={"limit": 3}))
    rest = expect_json(await worker.get(HERE, params={"limit": 3, "cursor": first["next_cursor"]}))
    assert [item["name"] for item in first["items"] + rest["items"]] == [shelter, school, legal, hospital]


async def test_what_cannot_be_true_of_a_provider_is_refused(scenario: Scenario) -> None:
    chief, tomorrow = scenario.supervisor_north, (today() + timedelta(days=1)).isoformat()
    for wrong, fault in (
        ({"name": "\u2060"}, ("/name", "blank")),
        ({"kind": "bar"}, ("/kind", "literal_error")),
        ({"services": []}, ("/services", "too_short")),
        ({"province_codes": ["99"]}, ("/province_codes/0", "place_unknown")),
        ({"province_codes": ["1710"]}, ("/province_codes/0", "string_pattern_mismatch")),
        ({"contacts": [{"name": "A", "phone": "abc"}]}, ("/contacts/0/phone", "phone_invalid")),
        ({"safeguarding_checked_on": tomorrow, "safeguarding_valid_until": None}, ("/safeguarding_checked_on", "date_in_future")),
        ({"safeguarding_valid_until": "2026-01-09"}, ("", "period_reversed")),
        ({"safeguarding_checked_on": None}, ("", "safeguarding_unchecked")),
        ({"agency_id": str(uuid.uuid4())}, ("/agency_id", "reference_unknown")),
        ({"child_id": str(uuid.uuid4())}, ("/child_id", "extra_forbidden")),
    ):  # fmt: skip
        assert parse_faults(await chief.post(HERE, {**HOSPITAL_PAYLOAD, **wrong})) == {fault}, wrong
    assert await found(chief) == []


async def test_who_keeps_the_directory_and_who_reads_it(scenario: Scenario) -> None:
    made = expect_json(await scenario.manager.post(HERE, HOSPITAL_PAYLOAD), 201)
    here = f"{HERE}/{made['id']}"
    for name in ("worker_north", "finance", "dpo", "me_officer", "partner_one", "reporting"):
        caller = scenario.client_for(name)
        assert (await caller.post(HERE, HOSPITAL_PAYLOAD)).status_code == 403, name
        assert (await caller.patch(here, {"note": "x"}, etag='"1"')).status_code == 403, name
        reads = 200 if name == "worker_north" else 403
        assert [(await caller.get(path)).status_code for path in (HERE, here)] == [reads, reads], name
    assert (await scenario.worker_north.get(f"{HERE}/{uuid.uuid4()}")).status_code == 404

"""Tests of the people around a child, the consent register, and the update and search of children."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.payloads import AUNT_PAYLOAD, SHARING_CONSENT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

NAMES = [
    {"script": "khmer", "family": "កែវ", "given": "ឥន្ទ្រា"},
    {"script": "latin", "family": "Keo", "given": "Intrea Sophorn"},
]
TOMORROW = (today() + timedelta(days=1)).isoformat()
FUTURE_BASIS = {"basis": "vital_interest", "decided_by": "A doctor", "on": TOMORROW, "reason": "x"}


async def open_case_path(scenario: Scenario, **child: Any) -> str:
    case = await scenario.open_case(child={**referral_payload()["child"], "names": NAMES, **child})
    return f"/v1/cases/{case['id']}"


async def get_child_path(scenario: Scenario, path: str) -> str:
    return f"/v1/children/{(await scenario.worker_north.get(path)).json()['child_id']}"


async def count_search_results(scenario: Scenario, q: str, by: str = "worker_north") -> int:
    response = await scenario.client_for(by).get("/v1/children", params={"q": q})
    assert response.status_code == 200, response.text
    return len(response.json()["items"])


async def test_people_come_from_the_referral_and_from_workers(scenario: Scenario) -> None:
    path, worker, person_id = await open_case_path(scenario), scenario.worker_north, str(uuid.uuid4())
    [mother] = expect_json(await worker.get(f"{path}/people"))["items"]
    assert (mother["role"], mother["relationship"], mother["is_responsible"]) == ("supporter", "mother", True)
    assert mother["phone"]["number"] == "+85512345678"

    created = await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "id": person_id})
    aunt = expect_json(created, 201)
    assert (created.headers["location"], created.headers["etag"]) == (f"/v1/people/{person_id}", '"1"')
    assert aunt["names"] == [{"script": "latin", "family": "Keo", "given": "Srey Leak"}]
    assert aunt["phone"] == {"number": "+85512345679", "owner": "self", "safe_to_call": False}
    assert expect_json(await worker.get(f"/v1/people/{person_id}")) == aunt
    assert (await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "id": person_id})).status_code == 409
    assert [person["id"] for person in expect_json(await worker.get(f"{path}/people"))["items"]] == [
        person_id,
        mother["id"],
    ]
    assert (await scenario.worker_south.get(f"/v1/people/{person_id}")).status_code == 404
    assert (await scenario.worker_south.post(f"{path}/people", AUNT_PAYLOAD)).status_code == 404

    assert parse_faults(await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "names": []})) == {
        ("/names", "too_short")
    }
    for invalid, fault in (
        ({"phone": {"number": "abc"}}, ("/phone/number", "phone_invalid")),
        ({"birth": {"date": "2999-01-01", "precision": "day"}}, ("/birth", "date_in_future")),
        (
            {"birth": {"estimated_age": 40, "estimated_on": TOMORROW}},
            ("/birth/estimated_on", "date_in_future"),
        ),
        ({"place_code": "99"}, ("/place_code", "place_unknown")),
        ({"nickname": "\u2060"}, ("/nickname", "blank")),
        ({"id": "01a20372-1e1f-7c16-8000-0242ac120002"}, ("/id", "id_not_random")),
        ({"id": "00000000-0000-0000-0000-000000000000"}, ("/id", "id_not_random")),
    ):
        assert parse_faults(await worker.post(f"{path}/people", {**AUNT_PAYLOAD, **invalid})) == {fault}


async def test_person_is_updated_by_merge_patch(scenario: Scenario) -> None:
    path, worker = await open_case_path(scenario), scenario.worker_north
    aunt = expect_json(await worker.post(f"{path}/people", AUNT_PAYLOAD), 201)
    person_path = f"/v1/people/{aunt['id']}"
    patch = {"role": "supporter", "phone": {"safe_to_call": True}, "note": None}
    changed = expect_json(await worker.patch(person_path, patch, etag='"1"'))
    expected = {**aunt, "version": 2, "role": "supporter", "note": None}
    assert changed == {**expected, "phone": {**aunt["phone"], "safe_to_call": True}}
    for invalid, fault in (
        ({"relationship": None}, ("/relationship", "missing")),
        ({"is_responsible": "yes"}, ("/is_responsible", "bool_type")),
        ({"case_id": str(uuid.uuid4())}, ("/case_id", "extra_forbidden")),
        ({"names": None}, ("/names", "name_missing")),
        ({"names": []}, ("/names", "name_missing")),
    ):
        assert parse_faults(await worker.patch(person_path, invalid, etag='"2"')) == {fault}
    assert (await worker.patch(person_path, patch, etag='"1"')).status_code == 412
    assert (await worker.patch(person_path, patch)).status_code == 428
    assert expect_json(await worker.get(person_path)) == changed


async def test_caregiver_without_a_name_can_be_updated(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(caregiver={"relationship": "aunt"})
    [aunt] = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]
    assert (aunt["names"], aunt["is_responsible"]) == ([], False)
    patched = await scenario.worker_north.patch(
        f"/v1/people/{aunt['id']}", {"note": "Night shifts."}, etag='"1"'
    )
    assert expect_json(patched)["note"] == "Night shifts."


async def test_register_contains_consents_refusals_and_legal_bases_with_status(scenario: Scenario) -> None:
    path, worker = await open_case_path(scenario), scenario.worker_north
    yesterday = (today() - timedelta(days=1)).isoformat()
    basis = {
        "basis": "vital_interest",
        "decided_by": "Night nurse",
        "on": "2026-01-09",
        "reason": "Unconscious.",
    }
    for changes, status in (
        ({}, "given"),
        ({"valid_until": today().isoformat()}, "given"),
        ({"valid_until": yesterday}, "expired"),
        ({"status": "refused", "note": "Not the school."}, "refused"),
        ({"given_by": [], "method": None, "basis_without_consent": basis}, "given"),
        ({"recipient_agency_id": str(id_of("Safe Steps")), "witness": "ភូមិ"}, "given"),
    ):
        created = await worker.post(f"{path}/consents", {**SHARING_CONSENT_PAYLOAD, **changes})
        entry = expect_json(created, 201)
        assert (entry["status"], entry["recorded_by_id"]) == (status, str(worker.id))
        fields = {name: entry[name] for name in changes if name != "basis_without_consent"}
        assert fields == {name: changes[name] for name in fields}
        assert expect_json(await worker.get(created.headers["location"])) == entry
    register = expect_json(await scenario.dpo.get("/v1/consents"))["items"]
    assert register == expect_json(await worker.get(f"{path}/consents"))["items"]
    assert len(register) == 7  # including the consent of the referral
    assert register[1]["basis_without_consent"] == {**basis, "child_told": None}
    to_safe_steps = await scenario.dpo.get(
        "/v1/consents", params={"recipient_agency_id": str(id_of("Safe Steps"))}
    )
    assert [entry["witness"] for entry in expect_json(to_safe_steps)["items"]] == ["ភូមិ"]
    assert expect_json(await scenario.worker_south.get("/v1/consents"))["items"] == []


async def test_invalid_consent_is_rejected(scenario: Scenario) -> None:
    path, worker = f"{await open_case_path(scenario)}/consents", scenario.worker_north
    for changes, fault in (
        ({"method": None}, ("", "consent_incomplete")),
        ({"given_by": []}, ("", "consent_incomplete")),
        ({"valid_until": "2026-01-09"}, ("", "period_reversed")),
        ({"scope": []}, ("/scope", "too_short")),
        ({"status": "withdrawn"}, ("/status", "string_pattern_mismatch")),
        ({"on": TOMORROW}, ("/on", "date_in_future")),
        ({"basis_without_consent": FUTURE_BASIS}, ("/basis_without_consent/on", "date_in_future")),
        ({"on": "2026-02-29"}, ("/on", "date_from_datetime_parsing")),
        ({"recipient_agency_id": str(uuid.uuid4())}, ("/recipient_agency_id", "reference_unknown")),
    ):
        assert parse_faults(await worker.post(path, {**SHARING_CONSENT_PAYLOAD, **changes})) == {fault}, (
            changes
        )
    assert len(expect_json(await worker.get(path))["items"]) == 1


async def test_only_a_valid_consent_can_be_withdrawn(scenario: Scenario) -> None:
    path, worker = await open_case_path(scenario), scenario.worker_north
    consent_path = f"/v1/consents/{expect_json(await worker.post(f'{path}/consents', SHARING_CONSENT_PAYLOAD), 201)['id']}"
    assert parse_faults(await worker.act(consent_path, "withdraw", {})) == {("/reason", "missing")}
    assert (await scenario.dpo.act(consent_path, "withdraw", {"reason": "x"})).status_code == 403
    withdrawn = expect_json(
        await worker.act(consent_path, "withdraw", {"reason": "Mother changed her mind."})
    )
    assert (withdrawn["status"], withdrawn["withdrawn_by_id"]) == ("withdrawn", str(worker.id))
    assert withdrawn["withdrawal_reason"] == "Mother changed her mind."
    assert parse_unmet_pointers(await worker.act(consent_path, "withdraw", {"reason": "Again."})) == {
        "status": "/status"
    }
    assert expect_json(await worker.get(consent_path)) == withdrawn

    refusal = expect_json(
        await worker.post(f"{path}/consents", {**SHARING_CONSENT_PAYLOAD, "status": "refused"}), 201
    )
    refused = await worker.act(f"/v1/consents/{refusal['id']}", "withdraw", {"reason": "x"})
    assert parse_unmet_pointers(refused) == {"status": "/status"}


async def test_renamed_child_is_found_by_its_new_name_only(scenario: Scenario) -> None:
    child, worker = (
        await get_child_path(scenario, await open_case_path(scenario, nickname="Kong")),
        scenario.worker_north,
    )
    assert [
        await count_search_results(scenario, q) for q in ("Intrea", "ឥន្ទ្រា", "Kong", "Rothana", "រតនា")
    ] == [
        1,
        1,
        1,
        0,
        0,
    ]
    renamed = [{"script": "khmer", "family": "កែវ", "given": "រតនា"}, {"script": "latin", "given": "Rothana"}]
    patch = {"names": renamed, "nickname": None, "sex": "female", "birth": {"precision": "year"}}
    changed = expect_json(await worker.patch(child, patch, etag='"1"'))
    assert (changed["sex"], changed["nickname"], changed["version"]) == ("female", None, 2)
    assert changed["birth"] == {**referral_payload()["child"]["birth"], "precision": "year", **dict.fromkeys(
        ("estimated_age", "estimated_on"))}  # fmt: skip
    assert changed["age"]["max"] - changed["age"]["min"] == 1
    assert [
        await count_search_results(scenario, q) for q in ("Intrea", "ឥន្ទ្រា", "Kong", "Rothana", "រតនា")
    ] == [
        0,
        0,
        0,
        1,
        1,
    ]

    for invalid, fault in (
        ({"names": []}, ("", "name_missing")),
        ({"birth": None}, ("/birth", "missing")),
        ({"birth": {"estimated_age": 9}}, ("/birth", "birth_form")),
        ({"case_ids": []}, ("/case_ids", "extra_forbidden")),
        ({"age": {"min": 1}}, ("/age", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(child, invalid, etag='"2"')) == {fault}, invalid
    assert expect_json(await worker.get(child)) == changed
    assert (await scenario.worker_south.patch(child, patch, etag='"2"')).status_code == 404


async def test_age_range_follows_the_precision_of_the_birth_date(scenario: Scenario) -> None:
    child = await get_child_path(scenario, await open_case_path(scenario))
    birthday = add_months(today(), -12 * 9)
    january = birthday.replace(month=1, day=1)
    estimated = {"date": None, "precision": None, "estimated_age": 7}
    no_estimate = {"estimated_age": None, "estimated_on": None}
    for version, (birth, ages) in enumerate(
        [
            ({"date": birthday.isoformat(), "precision": "day"}, (9, 9)),
            ({"date": (birthday + timedelta(days=1)).isoformat(), "precision": "day"}, (8, 8)),
            ({**estimated, "estimated_on": today().isoformat()}, (7, 7)),
            ({**estimated, "estimated_on": add_months(today(), -6).isoformat()}, (7, 8)),
            ({**no_estimate, "date": january.isoformat(), "precision": "year"}, None),
        ],
        start=1,
    ):
        age = expect_json(await scenario.worker_north.patch(child, {"birth": birth}, etag=f'"{version}"'))[
            "age"
        ]
        assert age["on"] == today().isoformat()
        last_day_of_year = (today().month, today().day) == (12, 31)
        assert (age["min"], age["max"]) == (ages or ((9, 9) if last_day_of_year else (8, 9)))


async def test_search_matches_names_in_both_scripts_and_spelling_variants(scenario: Scenario) -> None:
    await open_case_path(scenario, nickname="ដារ៉ា")
    for q in (
        *("Intrea", "keo intrea", "Sophorn Keo", "KEO", "Intria", "Sophon", "Intr", "In\u00adtrea", "  intrea  "),
        *("ឥន្ទ្រា", "ឥន្រ្ទា", "កែវ", "ឥន្ទ្រា កែវ", "កែវឥន្ទ្រា", "កែ\u200bវ", "ដារ៉ា", "ដារា", "ឥន្ទ", "ក\u17c2វ", "keo ឥន្ទ្រា"),
    ):  # fmt: skip
        assert await count_search_results(scenario, q) == 1, q
    for q in ("Vannak", "Keo Vannak", "វណ្ណៈ", "!!", "\u200b\u200b", "%%", "__", "' OR 1=1 --", "I*"):
        assert await count_search_results(scenario, q) == 0, q
    assert await count_search_results(scenario, "Intrea", by="worker_south") == 0
    for q in ("a", "", "x" * 101):
        response = await scenario.worker_north.get("/v1/children", params={"q": q})
        assert {pointer for pointer, _ in parse_faults(response)} == {"query:q"}


async def test_search_logs_the_returned_children_without_the_query(scenario: Scenario) -> None:
    child = (await get_child_path(scenario, await open_case_path(scenario))).split("/")[-1]
    await scenario.open_case()
    response = await scenario.worker_north.get("/v1/children", params={"q": "Intrea"})
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert [entry["child_id"] for entry in entries] == [child]
    assert {entry["act"] for entry in entries} == {"child.search"}
    assert "Intrea" not in str(entries)


async def test_second_referral_of_a_child_joins_its_open_case(scenario: Scenario) -> None:
    child = await get_child_path(scenario, await open_case_path(scenario))
    referral = await scenario.create_referral(child={**referral_payload()["child"], "names": NAMES})
    path = f"/v1/referrals/{referral['id']}"
    await scenario.supervisor_north.act(path, "acknowledge")
    accepted = await scenario.supervisor_north.act(
        path, "accept", acceptance_payload(child_id=child.split("/")[-1])
    )
    assert expect_json(await scenario.worker_north.get(child))["case_ids"] == [
        expect_json(accepted)["case_id"]
    ]

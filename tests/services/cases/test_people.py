"""Tests of the people around a child, the consent register, and the update and search of children."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.joined_referrals import CHILD, MOTHER, join_case
from tests.support.payloads import AUNT_PAYLOAD, SHARING_CONSENT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

NAMES = [
    {"script": "khmer", "family": "កែវ", "given": "ឥន្ទ្រា"},
    {"script": "latin", "family": "Keo", "given": "Intrea Sophorn"},
]
FUTURE_DAY = "2090-01-01"
FUTURE_BASIS = {"basis": "vital_interest", "decided_by": "A doctor", "on": FUTURE_DAY, "reason": "x"}


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
    assert aunt["phone"] == {
        "number": "+85512345679", "owner": "self", "note": None, "safe_to_call": False, "e164": "+85512345679",
    }  # fmt: skip
    assert expect_json(await worker.get(f"/v1/people/{person_id}")) == aunt
    taken = await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "id": person_id})
    assert (taken.status_code, taken.headers["location"], taken.json()["id"]) == (
        409,
        f"/v1/people/{person_id}",
        person_id,
    )
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
        ({"birth": {"date": "2999-01-01", "precision": "day"}}, ("/birth/date", "date_in_future")),
        (
            {"birth": {"estimated_age": 40, "estimated_on": FUTURE_DAY}},
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
    phone = {**aunt["phone"], "safe_to_call": True}
    assert changed == {**expected, "phone": phone, "phones": [phone]}
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
        assert entry.pop("shared_before") == []
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
        ({"on": FUTURE_DAY}, ("/on", "date_in_future")),
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
    assert withdrawn.pop("shared_before") == []
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
        ("estimated_age", "estimated_age_min", "estimated_age_max", "estimated_on"))}  # fmt: skip
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
        ({"birth": {"estimated_age": 9, "precision": "day"}}, ("/birth", "birth_form")),
        ({"case_ids": []}, ("/case_ids", "extra_forbidden")),
        ({"age": {"min": 1}}, ("/age", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(child, invalid, etag='"2"')) == {fault}, invalid
    assert expect_json(await worker.get(child)) == changed
    assert (await scenario.worker_south.patch(child, patch, etag='"2"')).status_code == 404


async def test_birth_date_replaces_an_estimated_age_without_nulls(scenario: Scenario) -> None:
    # Catches: `ALTERNATIVE_FIELDS` removed from `Birth`.
    child = await get_child_path(scenario, await open_case_path(scenario))
    worker = scenario.worker_north
    dated: dict[str, Any] = {"date": "2016-03-11", "precision": "day"}
    estimate: dict[str, Any] = {"estimated_age": 9, "estimated_on": "2026-03-01"}
    ages = {"estimated_age_min": 8, "estimated_age_max": 12, "estimated_on": "2026-03-01"}
    empty = dict.fromkeys((*dated, *estimate, *ages))
    for version, birth in enumerate((estimate, dated, ages, dated, estimate), start=1):
        changed = expect_json(await worker.patch(child, {"birth": birth}, etag=f'"{version}"'))
        assert changed["birth"] == {**empty, **birth}
    for invalid in ({**estimate, "date": "2016-03-11"}, {"date": "2016-03-11"}, {"precision": "day"}):
        response = await worker.patch(child, {"birth": invalid}, etag='"6"')
        assert parse_faults(response) == {("/birth", "birth_form")}


async def test_age_range_follows_the_precision_of_the_birth_date(scenario: Scenario) -> None:
    child = await get_child_path(scenario, await open_case_path(scenario))
    birthday = add_months(today(), -12 * 9)
    january = birthday.replace(month=1, day=1)
    estimated = {"estimated_age": 7}
    for version, (birth, ages) in enumerate(
        [
            ({"date": birthday.isoformat(), "precision": "day"}, (9, 9)),
            ({"date": (birthday + timedelta(days=1)).isoformat(), "precision": "day"}, (8, 8)),
            ({**estimated, "estimated_on": today().isoformat()}, (7, 7)),
            ({**estimated, "estimated_on": add_months(today(), -6).isoformat()}, (7, 8)),
            ({"date": january.isoformat(), "precision": "year"}, None),
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


async def test_person_has_several_phones_with_owner_note_and_safety(scenario: Scenario) -> None:
    # Catches: the search tokens of the first phone only; `phone` of a patch replaces the list.
    path, worker = await open_case_path(scenario), scenario.worker_north
    phones = [
        {"number": "011 223 344 (neighbour) / 097 123 4567", "owner": "friend", "safe_to_call": False},
        {"number": "0084 90 123 4567"},
        {"number": "017 445 566", "owner": "self", "note": "after six", "safe_to_call": True},
    ]
    payload = {**AUNT_PAYLOAD, "role": "family", "phone": None, "phones": phones}
    created = expect_json(await worker.post(f"{path}/people", payload), 201)
    assert [(phone["number"], phone["e164"], phone["owner"], phone["note"], phone["safe_to_call"]) for phone in created["phones"]] == [
        ("+85511223344", "+85511223344", None, "neighbour", False),
        ("+855971234567", "+855971234567", None, None, False),
        ("0084 90 123 4567", None, None, None, None),
        ("+85517445566", "+85517445566", "self", "after six", True),
    ]  # fmt: skip
    assert created["phone"] == created["phones"][0]
    [warning] = created["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/phones/2/number", "phone_invalid")
    assert "+" in warning["detail"]
    for q, count in (
        ("011223344", 1),
        ("097 123 4567", 1),
        ("017445566", 1),
        ("0084 90 123 4567", 0),
        ("+84901234567", 0),
    ):
        assert await count_search_results(scenario, q) == count, q

    person_path = f"/v1/people/{created['id']}"
    patch = {"phone": {"number": "012 345 670"}}
    changed = expect_json(await worker.patch(person_path, patch, etag='"1"'))
    expected_first = {**created["phones"][0], "number": "+85512345670", "e164": "+85512345670"}
    assert changed["phones"] == [expected_first, *created["phones"][1:]]
    assert await count_search_results(scenario, "012 345 670") == 1
    removed = expect_json(await worker.patch(person_path, {"phone": None}, etag='"2"'))
    assert removed["phones"] == created["phones"][1:]
    both = {"phone": {"number": "012 345 671"}, "phones": [{"number": "012 345 672"}]}
    replaced = expect_json(await worker.patch(person_path, both, etag='"3"'))
    assert [phone["number"] for phone in replaced["phones"]] == ["+85512345671", "+85512345672"]
    again = {"phone": replaced["phone"], "phones": replaced["phones"]}
    assert expect_json(await worker.patch(person_path, again, etag='"4"'))["phones"] == replaced["phones"]
    emptied = expect_json(await worker.patch(person_path, {"phones": []}, etag='"5"'))
    assert (emptied["phone"], emptied["phones"]) == (None, [])


async def test_phones_that_could_not_be_stored_or_updated_are_rejected(scenario: Scenario) -> None:
    # Catches: 21 phones, after which every update of the person is 422; a number that is too long in NFC, which is 500.
    path = await open_case_path(scenario)
    phones = [{"number": f"012 345 6{number:02}"} for number in range(20)]
    for sent, pointer, code in (
        ({"phone": {"number": "012 999 999"}, "phones": phones}, "/phones", "too_long"),
        ({"phone": {"number": "\u0958" * 150}}, "/phone/number", "string_too_long"),
    ):
        refused = await scenario.worker_north.post(f"{path}/people", {**AUNT_PAYLOAD, **sent})
        assert parse_faults(refused) == {(pointer, code)}


async def test_child_has_at_most_twenty_phones_after_a_referral_joins_its_case(scenario: Scenario) -> None:
    # Catches: the referral adds all its phones, after which every update of the child is 422.
    phones = [[{"number": f"012 34{half} 6{number:02}"} for number in range(20)] for half in (5, 6)]
    case = await scenario.open_case(child={**CHILD, "phones": phones[0]})
    await join_case(scenario, case, MOTHER, phones=phones[1])
    path = f"/v1/children/{case['child_id']}"
    child = await scenario.worker_north.get(path)
    assert expect_json(child)["phones"][19]["number"] == "+85512345619"
    expect_json(await scenario.worker_north.patch(path, {"sex": "female"}, etag=child.headers["etag"]))


async def test_names_outside_their_declared_script_are_kept_with_a_warning(scenario: Scenario) -> None:
    path, worker = await open_case_path(scenario), scenario.worker_north
    names = [
        {"script": "khmer", "family": "suk", "given": "BisidæÞ"},
        {"script": "khmer", "family": "សុខ", "given": "ពិសិដ្ឋ"},
        {"script": "latin", "family": "សុខ", "given": "Nguyễn"},
    ]
    created = await worker.request(
        "POST", f"{path}/people", json={**AUNT_PAYLOAD, "names": names}, headers={"accept-language": "km"}
    )
    person = expect_json(created, 201)
    assert person["names"] == names
    assert [(warning["pointer"], warning["code"]) for warning in person["warnings"]] == [
        ("/names/0/family", "legacy_font"),
        ("/names/0/given", "legacy_font"),
        ("/names/2/family", "script_mismatch"),
    ]
    assert "Limon" in person["warnings"][0]["detail"]
    assert "\u1781\u17d2\u1798\u17c2\u179a" in person["warnings"][0]["detail"], "the language of the request"
    child_path = await get_child_path(scenario, path)
    child = await worker.get(child_path)
    patched = await worker.patch(child_path, {"names": names[:1]}, etag=child.headers["etag"])
    codes = [warning["code"] for warning in expect_json(patched)["warnings"]]
    assert codes == ["legacy_font", "legacy_font"]

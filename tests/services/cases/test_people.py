"""The child's circle, the consent register, and finding a child by whatever somebody remembers of its name."""

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
DECIDED_TOMORROW = {"basis": "vital_interest", "decided_by": "A doctor", "on": TOMORROW, "reason": "x"}


async def case_of(scenario: Scenario, **child: Any) -> str:
    case = await scenario.open_case(child={**referral_payload()["child"], "names": NAMES, **child})
    return f"/v1/cases/{case['id']}"


async def child_of(scenario: Scenario, path: str) -> str:
    return f"/v1/children/{(await scenario.worker_north.get(path)).json()['child_id']}"


async def found(scenario: Scenario, q: str, by: str = "worker_north") -> int:
    answer = await scenario.client_for(by).get("/v1/children", params={"q": q})
    assert answer.status_code == 200, answer.text
    return len(answer.json()["items"])


async def test_intake_brings_the_supporter_along_and_workers_add_others(scenario: Scenario) -> None:
    path, worker, chosen = await case_of(scenario), scenario.worker_north, str(uuid.uuid4())
    [mother] = expect_json(await worker.get(f"{path}/people"))["items"]
    assert (mother["role"], mother["relationship"], mother["is_responsible"]) == ("supporter", "mother", True)
    assert mother["phone"]["number"] == "+85512345678"

    made = await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "id": chosen})
    aunt = expect_json(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/people/{chosen}", '"1"')
    assert aunt["names"] == [{"script": "latin", "family": "Keo", "given": "Srey Leak"}]
    assert aunt["phone"] == {"number": "+85512345679", "owner": "self", "safe_to_call": False}
    assert expect_json(await worker.get(f"/v1/people/{chosen}")) == aunt
    assert (await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "id": chosen})).status_code == 409
    assert [p["id"] for p in expect_json(await worker.get(f"{path}/people"))["items"]] == [
        chosen,
        mother["id"],
    ]
    assert (await scenario.worker_south.get(f"/v1/people/{chosen}")).status_code == 404
    assert (await scenario.worker_south.post(f"{path}/people", AUNT_PAYLOAD)).status_code == 404

    assert parse_faults(await worker.post(f"{path}/people", {**AUNT_PAYLOAD, "names": []})) == {
        ("/names", "too_short")
    }
    for wrong, fault in (
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
        assert parse_faults(await worker.post(f"{path}/people", {**AUNT_PAYLOAD, **wrong})) == {fault}


async def test_a_person_is_corrected_by_a_patch(scenario: Scenario) -> None:
    path, worker = await case_of(scenario), scenario.worker_north
    aunt = expect_json(await worker.post(f"{path}/people", AUNT_PAYLOAD), 201)
    here = f"/v1/people/{aunt['id']}"
    patch = {"role": "supporter", "phone": {"safe_to_call": True}, "note": None}
    changed = expect_json(await worker.patch(here, patch, etag='"1"'))
    expected = {**aunt, "version": 2, "role": "supporter", "note": None}
    assert changed == {**expected, "phone": {**aunt["phone"], "safe_to_call": True}}
    for wrong, fault in (
        ({"relationship": None}, ("/relationship", "missing")),
        ({"is_responsible": "yes"}, ("/is_responsible", "bool_type")),
        ({"case_id": str(uuid.uuid4())}, ("/case_id", "extra_forbidden")),
        ({"names": None}, ("/names", "name_missing")),
        ({"names": []}, ("/names", "name_missing")),
    ):
        assert parse_faults(await worker.patch(here, wrong, etag='"2"')) == {fault}
    assert (await worker.patch(here, patch, etag='"1"')).status_code == 412
    assert (await worker.patch(here, patch)).status_code == 428
    assert expect_json(await worker.get(here)) == changed


async def test_a_caregiver_of_whom_only_the_relationship_is_known_can_still_be_corrected(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(caregiver={"relationship": "aunt"})
    [aunt] = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]
    assert (aunt["names"], aunt["is_responsible"]) == ([], False)
    patched = await scenario.worker_north.patch(
        f"/v1/people/{aunt['id']}", {"note": "Night shifts."}, etag='"1"'
    )
    assert expect_json(patched)["note"] == "Night shifts."


async def test_the_register_holds_consent_refusal_expiry_and_the_basis_without(scenario: Scenario) -> None:
    path, worker = await case_of(scenario), scenario.worker_north
    yesterday = (today() - timedelta(days=1)).isoformat()
    basis = {
        "basis": "vital_interest",
        "decided_by": "Night nurse",
        "on": "2026-01-09",
        "reason": "Unconscious.",
    }
    for told, status in (
        ({}, "given"),
        ({"valid_until": today().isoformat()}, "given"),
        ({"valid_until": yesterday}, "expired"),
        ({"status": "refused", "note": "Not the school."}, "refused"),
        ({"given_by": [], "method": None, "basis_without_consent": basis}, "given"),
        ({"recipient_agency_id": str(id_of("Safe Steps")), "witness": "ភូមិ"}, "given"),
    ):
        made = await worker.post(f"{path}/consents", {**SHARING_CONSENT_PAYLOAD, **told})
        entry = expect_json(made, 201)
        assert (entry["status"], entry["recorded_by_id"]) == (status, str(worker.id))
        kept = {name: entry[name] for name in told if name != "basis_without_consent"}
        assert kept == {name: told[name] for name in kept}
        assert expect_json(await worker.get(made.headers["location"])) == entry
    register = expect_json(await scenario.dpo.get("/v1/consents"))["items"]
    assert register == expect_json(await worker.get(f"{path}/consents"))["items"]
    assert len(register) == 7  # with the one that came with the referral
    assert register[1]["basis_without_consent"] == {**basis, "child_told": None}
    to_safe_steps = await scenario.dpo.get(
        "/v1/consents", params={"recipient_agency_id": str(id_of("Safe Steps"))}
    )
    assert [entry["witness"] for entry in expect_json(to_safe_steps)["items"]] == ["ភូមិ"]
    assert expect_json(await scenario.worker_south.get("/v1/consents"))["items"] == []


async def test_a_consent_must_be_whole(scenario: Scenario) -> None:
    path, worker = f"{await case_of(scenario)}/consents", scenario.worker_north
    for told, fault in (
        ({"method": None}, ("", "consent_incomplete")),
        ({"given_by": []}, ("", "consent_incomplete")),
        ({"valid_until": "2026-01-09"}, ("", "period_reversed")),
        ({"scope": []}, ("/scope", "too_short")),
        ({"status": "withdrawn"}, ("/status", "string_pattern_mismatch")),
        ({"on": TOMORROW}, ("/on", "date_in_future")),
        ({"basis_without_consent": DECIDED_TOMORROW}, ("/basis_without_consent/on", "date_in_future")),
        ({"on": "2026-02-29"}, ("/on", "date_from_datetime_parsing")),
        ({"recipient_agency_id": str(uuid.uuid4())}, ("/recipient_agency_id", "reference_unknown")),
    ):
        assert parse_faults(await worker.post(path, {**SHARING_CONSENT_PAYLOAD, **told})) == {fault}, told
    assert len(expect_json(await worker.get(path))["items"]) == 1


async def test_a_consent_is_withdrawn_once_and_for_good(scenario: Scenario) -> None:
    path, worker = await case_of(scenario), scenario.worker_north
    given = f"/v1/consents/{expect_json(await worker.post(f'{path}/consents', SHARING_CONSENT_PAYLOAD), 201)['id']}"
    assert parse_faults(await worker.act(given, "withdraw", {})) == {("/reason", "missing")}
    assert (await scenario.dpo.act(given, "withdraw", {"reason": "x"})).status_code == 403
    withdrawn = expect_json(await worker.act(given, "withdraw", {"reason": "Mother changed her mind."}))
    assert (withdrawn["status"], withdrawn["withdrawn_by_id"]) == ("withdrawn", str(worker.id))
    assert withdrawn["withdrawal_reason"] == "Mother changed her mind."
    assert parse_unmet_pointers(await worker.act(given, "withdraw", {"reason": "Again."})) == {
        "status": "/status"
    }
    assert expect_json(await worker.get(given)) == withdrawn

    refusal = expect_json(
        await worker.post(f"{path}/consents", {**SHARING_CONSENT_PAYLOAD, "status": "refused"}), 201
    )
    refused = await worker.act(f"/v1/consents/{refusal['id']}", "withdraw", {"reason": "x"})
    assert parse_unmet_pointers(refused) == {"status": "/status"}


async def test_a_child_is_found_by_its_new_name_and_no_longer_by_the_old(scenario: Scenario) -> None:
    child, worker = await child_of(scenario, await case_of(scenario, nickname="Kong")), scenario.worker_north
    assert [await found(scenario, q) for q in ("Intrea", "ឥន្ទ្រា", "Kong", "Rothana", "រតនា")] == [
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
    assert [await found(scenario, q) for q in ("Intrea", "ឥន្ទ្រា", "Kong", "Rothana", "រតនា")] == [
        0,
        0,
        0,
        1,
        1,
    ]

    for wrong, fault in (
        ({"names": []}, ("", "name_missing")),
        ({"birth": None}, ("/birth", "missing")),
        ({"birth": {"estimated_age": 9}}, ("/birth", "birth_form")),
        ({"case_ids": []}, ("/case_ids", "extra_forbidden")),
        ({"age": {"min": 1}}, ("/age", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(child, wrong, etag='"2"')) == {fault}, wrong
    assert expect_json(await worker.get(child)) == changed
    assert (await scenario.worker_south.patch(child, patch, etag='"2"')).status_code == 404


async def test_an_age_is_as_exact_as_what_is_known(scenario: Scenario) -> None:
    child = await child_of(scenario, await case_of(scenario))
    birthday = add_months(today(), -12 * 9)
    january = birthday.replace(month=1, day=1)
    estimated = {"date": None, "precision": None, "estimated_age": 7}
    back = {"estimated_age": None, "estimated_on": None}
    for version, (birth, ages) in enumerate(
        [
            ({"date": birthday.isoformat(), "precision": "day"}, (9, 9)),
            ({"date": (birthday + timedelta(days=1)).isoformat(), "precision": "day"}, (8, 8)),
            ({**estimated, "estimated_on": today().isoformat()}, (7, 7)),
            ({**estimated, "estimated_on": add_months(today(), -6).isoformat()}, (7, 8)),
            ({**back, "date": january.isoformat(), "precision": "year"}, None),
        ],
        start=1,
    ):
        seen = expect_json(await scenario.worker_north.patch(child, {"birth": birth}, etag=f'"{version}"'))[
            "age"
        ]
        assert seen["on"] == today().isoformat()
        last_day_of_year = (today().month, today().day) == (12, 31)
        assert (seen["min"], seen["max"]) == (ages or ((9, 9) if last_day_of_year else (8, 9)))


async def test_a_search_finds_both_scripts_however_they_are_typed(scenario: Scenario) -> None:
    await case_of(scenario, nickname="ដារ៉ា")
    for q in (
        *("Intrea", "keo intrea", "Sophorn Keo", "KEO", "Intria", "Sophon", "Intr", "In\u00adtrea", "  intrea  "),
        *("ឥន្ទ្រា", "ឥន្រ្ទា", "កែវ", "ឥន្ទ្រា កែវ", "កែវឥន្ទ្រា", "កែ\u200bវ", "ដារ៉ា", "ដារា", "ឥន្ទ", "ក\u17c2វ", "keo ឥន្ទ្រា"),
    ):  # fmt: skip
        assert await found(scenario, q) == 1, q
    for q in ("Vannak", "Keo Vannak", "វណ្ណៈ", "!!", "\u200b\u200b", "%%", "__", "' OR 1=1 --", "I*"):
        assert await found(scenario, q) == 0, q
    assert await found(scenario, "Intrea", by="worker_south") == 0
    for q in ("a", "", "x" * 101):
        answer = await scenario.worker_north.get("/v1/children", params={"q": q})
        assert {pointer for pointer, _ in parse_faults(answer)} == {"query:q"}


async def test_a_search_logs_whom_it_showed_and_not_what_was_typed(scenario: Scenario) -> None:
    child = (await child_of(scenario, await case_of(scenario))).split("/")[-1]
    await scenario.open_case()
    answer = await scenario.worker_north.get("/v1/children", params={"q": "Intrea"})
    entries = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert [entry["child_id"] for entry in entries] == [child]
    assert {entry["act"] for entry in entries} == {"child.search"}
    assert "Intrea" not in str(entries)


async def test_a_child_with_two_referrals_keeps_one_case(scenario: Scenario) -> None:
    child = await child_of(scenario, await case_of(scenario))
    told = await scenario.create_referral(child={**referral_payload()["child"], "names": NAMES})
    path = f"/v1/referrals/{told['id']}"
    await scenario.supervisor_north.act(path, "acknowledge")
    joined = await scenario.supervisor_north.act(
        path, "accept", acceptance_payload(child_id=child.split("/")[-1])
    )
    assert expect_json(await scenario.worker_north.get(child))["case_ids"] == [expect_json(joined)["case_id"]]

"""Intake: a referral is accepted with warnings, and what is missing is a condition of its acceptance."""

import json
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, acceptance_payload, referral_payload

LEAST: dict[str, Any] = {
    "urgency": "urgent",
    "concern": {"summary": "A teacher is worried."},
    "child": {"nickname": "Chet"},
}
FUTURE_DAY = "2090-01-01"


def pairs(items: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(item["pointer"], item["code"]) for item in items}


async def create(scenario: Scenario, **changes: Any) -> dict[str, Any]:
    """Create a referral of a partner from a complete payload with changes by path, such as `child__sex`."""
    payload = referral_payload()
    for path, value in changes.items():
        *parents, name = path.split("__")
        node = payload
        for parent in parents:
            node[parent] = {**(node.get(parent) or {})}
            node = node[parent]
        node[name] = value
    return expect_json(await scenario.partner_one.post("/v1/referrals", payload), 201)


async def read(scenario: Scenario, referral: dict[str, Any]) -> dict[str, Any]:
    return expect_json(await scenario.supervisor_north.get(f"/v1/referrals/{referral['id']}"))


async def test_complete_referral_has_no_warnings(scenario: Scenario) -> None:
    created = await create(scenario)
    assert created["warnings"] == []
    staff_view = await read(scenario, created)
    assert (staff_view["warnings"], staff_view["unread_values"], staff_view["waivers"]) == ([], [], [])


async def test_name_summary_and_urgency_are_sufficient(scenario: Scenario) -> None:
    for caller, payload in (
        (scenario.partner_one, {**LEAST, "external_id": "least"}),
        (scenario.worker_north, LEAST),
    ):
        created = expect_json(await caller.post("/v1/referrals", payload), 201)
        assert pairs(created["warnings"]) == {
            ("/concern/kind", "concern_kind_missing"), ("/child/birth", "birth_missing"), ("/consent", "consent_missing"),
        }  # fmt: skip
        staff_view = await read(scenario, created)
        assert staff_view["warnings"] == created["warnings"]
        assert (staff_view["concern"]["kind"], staff_view["child"]["birth"]) == (None, None)
        assert staff_view["consent"]["given_by"] == []
    page = expect_json(await scenario.supervisor_north.get("/v1/referrals"))
    assert [(item["concern_kind"], item["child_birth"], item["child_age"]) for item in page["items"]] == [
        (None,) * 3
    ] * 2
    own = expect_json(await scenario.partner_one.get("/v1/referrals"))["items"][0]
    assert pairs(own["warnings"]) == pairs(page["items"] and created["warnings"])


@pytest.mark.parametrize(
    ("changes", "pointer", "code", "value"),
    [
        ({"child__sex": "boy"}, "/child/sex", "literal_error", "boy"),
        ({"child__place_code": "99"}, "/child/place_code", "place_unknown", "99"),
        ({"child__place_code": "2010305"}, "/child/place_code", "string_pattern_mismatch", "2010305"),
        ({"child__place_code": "17999999"}, "/child/place_code", "place_unknown", None),
        ({"child__birth": {"date": "2559-03-11", "precision": "day"}}, "/child/birth/date", "date_buddhist_era", "2559-03-11"),
        ({"child__birth": {"date": FUTURE_DAY, "precision": "day"}}, "/child/birth/date", "date_in_future", FUTURE_DAY),
        ({"child__birth": {"date": "1850-01-01", "precision": "day"}}, "/child/birth/date", "date_too_early", "1850-01-01"),
        ({"child__birth": {"date": "11/03/2016", "precision": "day"}}, "/child/birth/date", "date_parsing", "11/03/2016"),
        ({"child__birth": {"date": "2016-03-11"}}, "/child/birth", "birth_form", '{"date": "2016-03-11"}'),
        ({"child__birth": {"estimated_age": 150, "estimated_on": "2026-11-01"}}, "/child/birth/estimated_age", "less_than_equal", "150"),
        ({"child__birth": {"estimated_age_min": 12, "estimated_age_max": 8}}, "/child/birth", "ages_reversed", '{"estimated_age_min": 12, "estimated_age_max": 8}'),
        ({"child__phone": {"number": "0084 90 123 4567"}}, "/child/phone/number", "phone_invalid", None),
        ({"child__phone": {"number": "012345678/9"}}, "/child/phone/number", "phone_invalid", None),
        ({"child__phones": [{"number": "012 345 678"}, {"number": "1280"}], "child__phone": None}, "/child/phones/1/number", "phone_invalid", None),
        ({"caregiver__phone": {"number": "012 345 678 / 097 123 4567"}}, "/caregiver/phone/number", "phone_split", None),
        ({"child__phone": {"number": "012 345 678", "owner": "aunt"}}, "/child/phone/owner", "literal_error", "aunt"),
        ({"child__names": [{"script": "khmer", "given": "BisidæÞ"}]}, "/child/names/0/given", "legacy_font", None),
        ({"child__names": [{"given": "BisidæÞ"}]}, "/child/names/0/given", "legacy_font", None),
        ({"child__nickname": "BisidæÞ"}, "/child/nickname", "legacy_font", None),
        ({"child__address_detail": "suk BisidæÞ"}, "/child/address_detail", "legacy_font", None),
        ({"caregiver__names": [{"given": "suk BisidæÞ"}]}, "/caregiver/names/0/given", "legacy_font", None),
        ({"caregiver__address_detail": "suk BisidæÞ"}, "/caregiver/address_detail", "legacy_font", None),
        ({"child__names": [{"script": "roman", "given": "Dara"}]}, "/child/names/0/script", "literal_error", "roman"),
        ({"child__names": [{"given": "Dara", "script": "latin"}, {"script": "khmer"}]}, "/child/names/1", "name_empty", '{"script": "khmer"}'),
        ({"child__languages": ["km", "klingon"]}, "/child/languages/1", "literal_error", "klingon"),
        ({"child__school": {"grade": "4"}}, "/child/school/status", "missing", '{"grade": "4"}'),
        ({"child__disability": {"has_difficulty": True, "difficulties": {"flying": "some"}}}, "/child/disability/difficulties/flying", "literal_error", "some"),
        ({"concern__kind": "abuse"}, "/concern/kind", "literal_error", "abuse"),
        ({"concern__reported_to": ["police", "the chief"]}, "/concern/reported_to/1", "literal_error", "the chief"),
        ({"concern__occurred_on": "last week"}, "/concern/occurred_on", "date_parsing", "last week"),
        ({"concern__occurred_on": FUTURE_DAY}, "/concern/occurred_on", "date_in_future", FUTURE_DAY),
        ({"concern__occurred_on": "2015-05-03"}, "/concern/occurred_on", "date_before_birth", None),
        ({"consent__on": "2015-05-03"}, "/consent/on", "date_before_birth", None),
        ({"caregiver__relationship": "auntie"}, "/caregiver/relationship", "literal_error", "auntie"),
        ({"referrer__email": "none"}, "/referrer/email", "string_pattern_mismatch", "none"),
        ({"referrer__phone": "023 880 001 ext 4"}, "/referrer/phone", "phone_invalid", None),
        ({"consent": None}, "/consent", "consent_missing", None),
        ({"consent__scope": ["share_with_fsc"]}, "/consent/scope", "consent_scope", None),
        ({"consent__scope": []}, "/consent", "consent_missing", None),
        ({"consent__on": FUTURE_DAY}, "/consent/on", "date_in_future", FUTURE_DAY),
        ({"consent__given_by": ["neighbour"]}, "/consent/given_by/0", "literal_error", "neighbour"),
        ({"services_already_given": ["medical", "food"]}, "/services_already_given/1", "literal_error", "food"),
        ({"documents": [{"note": "A letter."}]}, "/documents/0/title", "missing", '{"note": "A letter."}'),
        ({"source": "phone_call"}, "/source", "source_ignored", None),
    ],
)  # fmt: skip
async def test_imperfect_field_is_accepted_with_a_warning(
    scenario: Scenario, changes: dict[str, Any], pointer: str, code: str, value: str | None
) -> None:
    created = await create(scenario, **changes)
    assert (pointer, code) in pairs(created["warnings"])
    staff_view = await read(scenario, created)
    assert staff_view["warnings"] == created["warnings"]
    unread = {item["pointer"]: item["value"] for item in staff_view["unread_values"]}
    assert unread.get(pointer) == value
    assert value is None or value not in str(created["warnings"])
    assert staff_view["concern"]["summary"]
    assert staff_view["child"]["names"] or staff_view["child"]["nickname"]


@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\u3164"])
@pytest.mark.parametrize("part", ["family", "given"])
async def test_blank_part_of_a_name_is_dropped_while_another_name_remains(
    scenario: Scenario, blank: str, part: str
) -> None:
    # Catches: the error of the script, whose default needs both parts, is not ignored. The referral is then refused.
    good, other = {"given": "Dara"}, {"family": "Sok", "given": "Dara", part: blank}
    kept = "given" if part == "family" else "family"
    created = await create(
        scenario,
        child__names=[other],
        child__nickname=blank,
        caregiver__names=[good, {part: blank}],
    )
    staff_view = await read(scenario, created)
    (name,) = staff_view["child"]["names"]
    assert (name[part], name[kept]) == (None, {"family": "Sok", "given": "Dara"}[kept])
    assert [item["given"] for item in staff_view["caregiver"]["names"]] == ["Dara"]


async def test_empty_values_are_absent_values(scenario: Scenario) -> None:
    created = await create(
        scenario, child__nickname="", child__address_detail=" ", child__languages=None, child__sex="", caregiver__place_code="",
        referrer__email="", concern__period="\u200b", child__phones=None, documents=None, concern__occurred_on="",
    )  # fmt: skip
    assert created["warnings"] == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"urgency": None}, ("/urgency", "literal_error")),
        ({"urgency": "high"}, ("/urgency", "literal_error")),
        ({"concern": {"kind": "survivor"}}, ("/concern/summary", "missing")),
        ({"concern__summary": " "}, ("/concern/summary", "blank")),
        ({"child": {"sex": "male"}}, ("/child", "name_missing")),
        ({"child": {"names": [{"script": "latin"}]}}, ("/child", "name_missing")),
        ({"external_id": None}, ("/external_id", "missing")),
        ({"external_id": "\u200b"}, ("/external_id", "blank")),
        ({"child": {"names": 5}}, ("/child", "name_missing")),
        ({"child": {"names": [{"given": True}], "nickname": ["Chet"]}}, ("/child", "name_missing")),
        ({"child": 5}, ("/child", "model_attributes_type")),
        ({"concern__summary": True}, ("/concern/summary", "string_type")),
        ({"urgency": ["urgent"]}, ("/urgency", "literal_error")),
        ({"external_id": 42}, ("/external_id", "string_type")),
        ({"external_id": "x" * 101}, ("/external_id", "too_long")),
        ({"id": "00000000-0000-1000-8000-000000000000"}, ("/id", "id_not_random")),
    ],
)
async def test_missing_name_summary_urgency_and_invalid_ids_refuse_a_referral(
    scenario: Scenario, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    payload = referral_payload()
    for path, value in changes.items():
        parent, _, name = path.rpartition("__")
        (payload[parent] if parent else payload)[name] = value
    assert fault in parse_faults(await scenario.partner_one.post("/v1/referrals", payload))


@pytest.mark.parametrize(
    ("field", "value", "pointer", "stored"),
    [
        ("birth", {"estimated_age": "8"}, "/estimated_age", {"estimated_age": 8}),
        ("birth", {"estimated_age": 8.5}, "/estimated_age", {"estimated_age": 8}),
        ("birth", {"estimated_age": "\u17e8"}, "/estimated_age", {"estimated_age": 8}),
        ("birth", {"estimated_age": "8-12"}, "/estimated_age", {"estimated_age_min": 8, "estimated_age_max": 12}),
        ("birth", "8 to 12 years", "", {"estimated_age_min": 8, "estimated_age_max": 12}),
        ("birth", "2016-03-11", "", {"date": "2016-03-11", "precision": "day"}),
        ("birth", "\u17e2\u17e0\u17e1\u17e6-\u17e0\u17e3", "", {"date": "2016-03-01", "precision": "month"}),
        ("birth", "2016", "", {"date": "2016-01-01", "precision": "year"}),
        ("phone", "012 345 678", "", {"number": "+85512345678"}),
        ("phone", 12345678, "", {"e164": "+85512345678"}),
        ("phone", {"number": "012 345 678", "safe_to_call": "no"}, "/safe_to_call", {"safe_to_call": False}),
        ("sex", "Female", "", "female"),
        ("languages", "km", "", ["km"]),
        ("names", "Sok Dara", "", [{"family": None, "given": "Sok Dara", "script": "latin"}]),
    ],
)  # fmt: skip
async def test_value_of_another_form_with_a_certain_meaning_is_converted(
    scenario: Scenario, field: str, value: Any, pointer: str, stored: Any
) -> None:
    # Catches: "no" read as true; a range of ages read as its first number.
    created = await create(
        scenario, **{f"child__{field}": value, "child__phone": value if field == "phone" else None}
    )
    assert (f"/child/{field}{pointer}", "value_converted") in pairs(created["warnings"])
    staff_view = await read(scenario, created)
    read_value = staff_view["child"][field]
    if isinstance(stored, dict):
        read_value = {name: read_value[name] for name in stored}
    assert read_value == stored
    unread = {item["pointer"]: item["value"] for item in staff_view["unread_values"]}
    sent = value[pointer[1:]] if pointer else value
    assert unread[f"/child/{field}{pointer}"] == (sent if isinstance(sent, str) else json.dumps(sent))


@pytest.mark.parametrize(
    "value", ["10.2014", "03.2016", "8,12", "05-16", "\u17e1\u17e0.\u17e2\u17e0\u17e1\u17e4"]
)
async def test_month_or_two_ages_in_place_of_an_age_are_not_converted(scenario: Scenario, value: str) -> None:
    # Catches: "10.2014" read as the age 10.
    created = await create(scenario, child__birth=value)
    assert ("/child/birth", "value_converted") not in pairs(created["warnings"])
    staff_view = await read(scenario, created)
    assert staff_view["child"]["birth"] is None
    assert [item["value"] for item in staff_view["unread_values"]] == [value]


async def test_age_in_an_unknown_field_is_stored_as_the_birth(scenario: Scenario) -> None:
    created = await create(scenario, child__age="\u17e8", child__birth=None)
    assert ("/child/age", "value_converted") in pairs(created["warnings"])
    assert (await read(scenario, created))["child"]["birth"]["estimated_age"] == 8
    created = await create(scenario, child__age=8)
    assert ("/child/age", "extra_forbidden") in pairs(created["warnings"]), "the birth is not replaced"


async def test_texts_and_lists_that_are_too_long_are_cut_and_stored_whole_for_staff(
    scenario: Scenario,
) -> None:
    phones = [{"number": f"012 345 6{number:02}"} for number in range(23)]
    names = [{"given": f"Dara {letter}"} for letter in "abcdefghijkl"]
    long = {"nickname": "n" * 900, "address": "a" * 9_000, "summary": "s" * 30_000}
    created = await create(
        scenario, child__phones=phones, child__phone=None, child__names=names, child__nickname=long["nickname"],
        child__address_detail=long["address"], concern__summary=long["summary"], caregiver__names=[{"given": "\ufb2c" * 200}],
    )  # fmt: skip
    assert pairs(created["warnings"]) >= {
        ("/child/phones", "too_long"), ("/child/names", "too_long"), ("/child/nickname", "string_too_long"),
        ("/child/address_detail", "string_too_long"), ("/concern/summary", "string_too_long"),
        ("/caregiver/names/0/given", "string_too_long"),
    }  # fmt: skip
    staff_view = await read(scenario, created)
    unread = {item["pointer"]: item["value"] for item in staff_view["unread_values"]}
    assert (unread["/child/nickname"], unread["/child/address_detail"]) == (long["nickname"], long["address"])
    assert unread["/concern/summary"] == long["summary"]
    assert json.loads(unread["/child/phones"]) == phones[20:]
    assert json.loads(unread["/child/names"]) == names[10:]
    assert (len(staff_view["child"]["phones"]), len(staff_view["child"]["names"])) == (20, 10)
    assert staff_view["concern"]["summary"] == "s" * 20_000


async def test_phone_before_a_full_list_of_phones_replaces_the_last_one(scenario: Scenario) -> None:
    # Catches: a referral with 21 phones, whose GET is 500.
    phones = [{"number": f"012 345 6{number:02}"} for number in range(20)]
    created = await create(scenario, child__phones=phones, child__phone={"number": "012 999 999"})
    assert pairs(created["warnings"]) == {("/child/phones", "too_long")}
    staff_view = await read(scenario, created)
    numbers = [phone["number"] for phone in staff_view["child"]["phones"]]
    assert (len(numbers), numbers[0], numbers[-1]) == (20, "+85512999999", "+85512345618")
    [unread] = staff_view["unread_values"]
    assert json.loads(unread["value"]) == phones[19:]
    patch = {"child": {"phone": {"number": "012 888 888"}, "phones": phones}}
    path = f"/v1/referrals/{created['id']}"
    refused = expect_json(await scenario.supervisor_north.patch(path, patch, etag='"1"'), 422)
    assert pairs(refused["errors"]) == {("/child/phones", "too_long")}
    whole = await create(scenario, child__phones=phones, child__phone=phones[19])
    assert whole["warnings"] == [], "the list contains the phone"


async def test_phone_number_is_cut_if_its_stored_form_is_too_long(scenario: Scenario) -> None:
    # Catches: a number that NFC lengthens to 300 characters, which makes the GET of the referral 500.
    number = "\u0958" * 150
    created = await create(
        scenario,
        child__phone={"number": number},
        caregiver__phones=[{"number": number}],
        caregiver__phone=None,
    )
    cut = {("/child/phone/number", "string_too_long"), ("/caregiver/phones/0/number", "string_too_long")}
    assert pairs(created["warnings"]) >= cut
    staff_view = await read(scenario, created)
    assert [item["value"] for item in staff_view["unread_values"]] == [number, number]
    path = f"/v1/referrals/{created['id']}"
    patch = {"child": {"phone": {"number": number}}}
    refused = expect_json(await scenario.supervisor_north.patch(path, patch, etag='"1"'), 422)
    assert "string_too_long" in {code for _, code in pairs(refused["errors"])}, refused


async def test_names_of_unknown_fields_are_kept_but_not_repeated(scenario: Scenario) -> None:
    created = await create(scenario, child__colour="red", **{"child__Sok Dara": "is afraid", "012345678": 1})
    assert pairs(created["warnings"]) == {
        ("/child/colour", "extra_forbidden"), ("/child", "extra_forbidden"), ("", "extra_forbidden"),
    }  # fmt: skip
    unread = {item["pointer"]: item["value"] for item in (await read(scenario, created))["unread_values"]}
    assert unread == {"/child/colour": "red", "/child": '{"Sok Dara": "is afraid"}', "": '{"012345678": 1}'}
    await acknowledge(scenario, created)
    waivers = [{"pointer": pointer, "reason": "Of no use."} for pointer in ("/child/colour", "/child")]
    assert (await accept(scenario, created, waivers=waivers)).status_code == 200


async def accept(scenario: Scenario, referral: dict[str, Any], **changes: Any) -> Any:
    """Send an acceptance for the present version of a referral."""
    path = f"/v1/referrals/{referral['id']}"
    payload = {**acceptance_payload(), **changes}
    return await scenario.supervisor_north.act(path, "accept", payload)


async def acknowledge(scenario: Scenario, referral: dict[str, Any]) -> None:
    path = f"/v1/referrals/{referral['id']}"
    expect_json(await scenario.supervisor_north.act(path, "acknowledge", {}))


async def test_acceptance_requires_a_waiver_for_unknown_fields_of_consent_and_birth(
    scenario: Scenario,
) -> None:
    # Catches: a complete consent covers unknown fields; the pointer "/consent" covers "/consent_note".
    created = await create(
        scenario, consent__refused_by=["child"], child__birth_note="Two birth certificates.", consent_note="Ask her first.",
    )  # fmt: skip
    await acknowledge(scenario, created)
    refused = expect_json(await accept(scenario, created), 409)
    unread = {("/consent/refused_by", "extra_forbidden"), ("/child/birth_note", "extra_forbidden")}
    assert pairs(refused["unmet"]) == {*unread, ("/consent_note", "extra_forbidden")}
    waivers = [{"pointer": item["pointer"], "reason": "Read, nothing to add."} for item in refused["unmet"]]
    expect_json(await accept(scenario, created, waivers=waivers))


async def test_acceptance_lists_every_missing_field_until_it_is_completed_or_waived(
    scenario: Scenario,
) -> None:
    # Catches: check_warnings() not called; a waived consent accepted.
    created = await create(
        scenario, child__phone={"number": "0084 90 123 4567"}, child__sex="boy", child__birth=None,
        consent__scope=["share_with_fsc"], referrer__phone="ext 4", caregiver__phone={"number": "012 345 678 / 097 123 4567"},
    )  # fmt: skip
    await acknowledge(scenario, created)
    refused = expect_json(await accept(scenario, created), 409)
    assert pairs([{**item, "pointer": item["pointer"] or ""} for item in refused["unmet"]]) == {
        ("/child/phone/number", "phone_invalid"), ("/child/sex", "literal_error"),
        ("/screening/reason", "age_outside_range"), ("", "consent_missing"),
    }  # fmt: skip
    screening = {"meets_criteria": True, "reason": "About nine, says the teacher."}
    waived = [
        {"pointer": pointer, "reason": "Known only later."}
        for pointer in ("/child/sex", "/consent/scope", "/child/phone/number")
    ]
    refused = expect_json(await accept(scenario, created, screening=screening, waivers=waived), 409)
    assert [item["code"] for item in refused["unmet"]] == ["consent_missing"], (
        "a waiver does not replace a consent"
    )

    path = f"/v1/referrals/{created['id']}"
    current = await scenario.supervisor_north.get(path)
    patch = {"child": {"sex": "male"}, "consent": {"scope": ["services", "share_with_fsc"]}}
    expect_json(await scenario.supervisor_north.patch(path, patch, etag=current.headers["etag"]))
    staff_view = await read(scenario, created)
    assert {item["code"] for item in staff_view["warnings"]} == {"phone_invalid", "birth_missing"}
    assert staff_view["unread_values"] == []
    accepted = expect_json(await accept(scenario, created, screening=screening, waivers=waived[2:]))
    assert accepted["waivers"] == waived[2:]
    case = expect_json(await scenario.supervisor_north.get(f"/v1/cases/{accepted['case_id']}"))
    assert (case["age_at_referral_min"], case["age_at_referral_max"], case["child"]["age"]) == (
        None,
        None,
        None,
    )
    child = expect_json(await scenario.supervisor_north.get(f"/v1/children/{accepted['child_id']}"))
    assert (child["birth"], child["age"]) == (None, None)
    [phone] = child["phones"]
    assert (phone["number"], phone["e164"]) == ("0084 90 123 4567", None)
    [caregiver] = expect_json(await scenario.worker_north.get(f"/v1/cases/{accepted['case_id']}/people"))[
        "items"
    ]
    assert [item["number"] for item in caregiver["phones"]] == ["+85512345678", "+855971234567"]
    for path in ("care-plans", "timeline"):
        expect_json(await scenario.worker_north.get(f"/v1/cases/{accepted['case_id']}/{path}"))
    drawing = await scenario.worker_north.get(f"/v1/cases/{accepted['case_id']}/ecomap.svg")
    assert drawing.status_code == 200


@pytest.mark.parametrize(
    ("youngest", "oldest", "needs_reason"), [(8, 12, False), (3, 9, True), (10, 19, True), (9, 9, False)]
)
async def test_range_of_ages_is_a_screening_decision(
    scenario: Scenario, youngest: int, oldest: int, needs_reason: bool
) -> None:
    birth = {"estimated_age_min": youngest, "estimated_age_max": oldest}
    created = await create(scenario, child__birth=birth)
    assert created["warnings"] == []
    await acknowledge(scenario, created)
    stored = (await read(scenario, created))["child"]["birth"]
    assert stored == {
        **birth,
        "date": None,
        "precision": None,
        "estimated_age": None,
        "estimated_on": today().isoformat(),
    }
    response = await accept(scenario, created)
    assert response.status_code == (409 if needs_reason else 200), response.text
    if not needs_reason:
        case = expect_json(await scenario.worker_north.get(f"/v1/cases/{response.json()['case_id']}"))
        assert (case["age_at_referral_min"], case["age_at_referral_max"]) == (youngest, oldest)
        return
    assert {item["code"] for item in response.json()["unmet"]} == {"age_outside_range"}


async def test_change_is_checked_strictly_and_keeps_the_other_warnings(scenario: Scenario) -> None:
    created = await create(
        scenario, child__sex="boy", concern__reported_to=["the chief"], child__birth={"date": "2016"}
    )
    path = f"/v1/referrals/{created['id']}"
    for patch, pointer in (
        ({"child": {"sex": "girl"}}, "/child/sex"),
        ({"child": {"place_code": "99"}}, "/child/place_code"),
        ({"child": {"birth": {"date": FUTURE_DAY, "precision": "day"}}}, "/child/birth/date"),
    ):
        faults = parse_faults(await scenario.partner_one.patch(path, patch, etag='"1"'))
        assert {place for place, _ in faults} == {pointer}, patch
    partner = scenario.partner_one
    expect_json(
        await partner.patch(path, {"child": {"nickname": "Seth", "phone": {"number": "1280"}}}, etag='"1"')
    )
    before = pairs(created["warnings"])
    phones = {("/child/phone/number", "phone_invalid")}
    assert pairs((await read(scenario, created))["warnings"]) == before | phones
    birth = {"estimated_age": 9}
    expect_json(
        await partner.patch(
            path, {"child": {"birth": birth}, "concern": {"reported_to": ["police"]}}, etag='"2"'
        )
    )
    left = (await read(scenario, created))["warnings"]
    assert pairs(left) == {("/child/sex", "literal_error"), ("/child/phone/number", "phone_invalid")}


async def test_external_id_that_resembles_another_one_is_accepted_with_a_warning(scenario: Scenario) -> None:
    first = await create(scenario, external_id="HW-2026-00317")
    assert first["warnings"] == []
    for similar in (
        "hw-2026-00317",
        "HW 2026 00317",
        "HW\u20112026\u201100317",
        "ＨＷ-២០២៦-០០៣១៧",
        "HW-2O26-OO3l7",
    ):
        created = await create(scenario, external_id=similar)
        assert pairs(created["warnings"]) == {("/external_id", "external_id_similar")}, similar
        assert created["external_id"] == similar
    await acknowledge(scenario, created)
    assert (await accept(scenario, created)).status_code == 200
    payload = referral_payload(external_id="HW-2026-00318")
    assert expect_json(await scenario.partner_one.post("/v1/referrals", payload), 201)["warnings"] == []
    other_agency = referral_payload(external_id="hw-2026-00317")
    assert expect_json(await scenario.partner_two.post("/v1/referrals", other_agency), 201)["warnings"] == []


async def test_similar_external_id_is_found_for_a_referral_without_search_tokens(scenario: Scenario) -> None:
    # Catches: a new referral counted as similar because its statement inserted no search token.
    nameless: dict[str, Any] = {"child__names": [], "child__nickname": "--", "caregiver": None}
    first = await create(scenario, external_id="QQ-000101", **nameless)
    assert "external_id_similar" not in {warning["code"] for warning in first["warnings"]}
    second = await create(scenario, external_id="qq 000101", **nameless)
    assert ("/external_id", "external_id_similar") in pairs(second["warnings"])
    assert (await read(scenario, first))["external_id"] == "QQ-000101"
    assert (await read(scenario, second))["external_id"] == "qq 000101"


async def test_warnings_are_in_the_language_of_the_request(scenario: Scenario) -> None:
    payload = referral_payload(consent=None)
    response = await scenario.partner_one.request(
        "POST", "/v1/referrals", json=payload, headers={"accept-language": "km", "idempotency-key": "km"}
    )
    [warning] = expect_json(response, 201)["warnings"]
    assert warning["code"] == "consent_missing"
    assert warning["detail"].startswith("\u179f\u17bc\u1798")
    english = expect_json(await scenario.partner_one.get(response.headers["location"]))["warnings"]
    assert english[0]["detail"].startswith("Send given_by")

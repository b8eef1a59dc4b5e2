"""Tests of lists: cases, timeline and children of a case, referrals, places and code lists."""

from typing import Any
from uuid import UUID

from app.fault_codes import FAULT_CODES
from app.kit.dates import today
from app.models import Case
from app.schemas.codes import CODE_LISTS
from app.schemas.fault_messages import KHMER_MESSAGES
from tests.support.payloads import AUNT_PAYLOAD, SHARING_CONSENT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.row_factories import WORKER_ID, backdate_case_opening, date_in_days, insert_row
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload
from tests.support.sql_statements import record_statements


async def fetch_pages(
    caller: AuthenticatedClient, path: str, limit: int, **filters: str
) -> list[list[dict[str, Any]]]:
    """Fetch all pages of a list by cursor, and check that the Link header leads to the next page."""
    pages, cursor = [], None
    for _ in range(100):
        params = {**filters, "limit": limit, **({"cursor": cursor} if cursor else {})}
        response = await caller.get(path, params=params)
        page = expect_json(response)
        pages.append(page["items"])
        cursor = page["next_cursor"]
        assert ("next" in response.links) == (cursor is not None)
        if cursor is None:
            return pages
        assert expect_json(await caller.get(response.links["next"]["url"]))["items"]
    raise AssertionError("the list has more than 100 pages")


def flatten(pages: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [item for page in pages for item in page]


async def test_every_act_is_in_the_timeline(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path, worker, supervisor = f"/v1/cases/{case['id']}", scenario.worker_north, scenario.supervisor_north
    aunt = expect_json(await worker.post(f"{path}/people", AUNT_PAYLOAD), 201)
    expect_json(await worker.patch(f"/v1/people/{aunt['id']}", {"note": "x"}, etag='"1"'))
    consent = expect_json(await worker.post(f"{path}/consents", SHARING_CONSENT_PAYLOAD), 201)
    expect_json(await worker.act(f"/v1/consents/{consent['id']}", "withdraw", {"reason": "x"}))
    expect_json(await worker.patch(f"/v1/children/{case['child_id']}", {"nickname": "Chet"}, etag='"1"'))
    expect_json(await worker.patch(path, {"summary": "Begun."}, etag='"1"'))
    expect_json(await supervisor.act(path, "assign", {"lead_worker_id": str(id_of("worker_north_2"))}))
    referral = await scenario.create_referral(
        child={**referral_payload()["child"], "names": case["child"]["names"]}
    )
    expect_json(await supervisor.act(f"/v1/referrals/{referral['id']}", "acknowledge"))
    acceptance = acceptance_payload(child_id=case["child_id"])
    earlier = {item["id"] for item in expect_json(await supervisor.get(f"{path}/consents"))["items"]}
    expect_json(await supervisor.act(f"/v1/referrals/{referral['id']}", "accept", acceptance))
    consents = expect_json(await supervisor.get(f"{path}/consents"))["items"]
    [joined_consent_id] = {item["id"] for item in consents} - earlier

    entries = expect_json(await supervisor.get(f"{path}/timeline"))["items"]
    worker_id, supervisor_id = str(worker.id), str(supervisor.id)
    expected = [
        ("consent_recorded", supervisor_id, "consent", joined_consent_id),
        ("referral_joined", supervisor_id, "referral", referral["id"]),
        ("lead_assigned", supervisor_id, "case", case["id"]),
        ("case_changed", worker_id, "case", case["id"]),
        ("child_changed", worker_id, "child", case["child_id"]),
        ("consent_withdrawn", worker_id, "consent", consent["id"]),
        ("consent_recorded", worker_id, "consent", consent["id"]),
        ("person_changed", worker_id, "person", aunt["id"]),
        ("person_added", worker_id, "person", aunt["id"]),
    ]
    recorded = [
        (entry["kind"], entry["by_id"], entry["record_kind"], entry["record_id"]) for entry in entries
    ]
    assert recorded[: len(expected)] == expected
    assert {kind for kind, *_ in recorded[len(expected) :]} == {
        "referral_accepted",
        "case_opened",
        "consent_recorded",
    }
    assert entries[2]["detail"] == {
        "from_lead": worker_id,
        "from_lead_name": "Worker North",
        "to_lead": str(id_of("worker_north_2")),
        "to_lead_name": "Worker North 2",
    }
    assert entries[2]["by"] == {"id": supervisor_id, "name": "Supervisor North"}
    assert {(entry["case_id"], entry["child_id"]) for entry in entries} == {(case["id"], case["child_id"])}

    for limit in (1, 3, 200):
        assert flatten(await fetch_pages(supervisor, f"{path}/timeline", limit)) == entries
    for kind in {entry["kind"] for entry in entries}:
        expected_entries = [entry for entry in entries if entry["kind"] == kind]
        assert flatten(await fetch_pages(supervisor, f"{path}/timeline", 1, kind=kind)) == expected_entries
    assert (
        await worker.get(f"{path}/timeline")
    ).status_code == 404  # the assignment removed the worker from the case
    assert (await scenario.worker_south.get(f"{path}/timeline")).status_code == 404


async def test_case_list_contains_only_visible_cases_that_match_the_filters(scenario: Scenario) -> None:
    first = await scenario.open_case()
    two = await scenario.open_case("worker_north_2")
    three = await scenario.open_case("worker_south")
    newest_first = [case["id"] for case in (three, two, first)]

    async def ids(by: str, **query: str) -> list[str]:
        return [
            case["id"]
            for case in expect_json(await scenario.client_for(by).get("/v1/cases", params=query))["items"]
        ]

    assert await ids("manager") == newest_first
    assert await ids("supervisor_north") == newest_first[1:]
    assert await ids("worker_north") == [first["id"]]
    assert (await scenario.partner_one.get("/v1/cases")).status_code == 403
    for query, expected in (
        ({"status": "assessment"}, newest_first),
        ({"status": "closed"}, []),
        ({"kind": "survivor"}, newest_first),
        ({"kind": "hsb"}, []),
        ({"team_id": str(id_of("north"))}, newest_first[1:]),
        ({"lead_worker_id": str(id_of("worker_north_2"))}, [two["id"]]),
        ({"child_id": three["child_id"]}, [three["id"]]),
        ({"number": first["number"]}, [first["id"]]),
        ({"number": first["number"], "child_id": two["child_id"]}, []),
    ):
        assert await ids("manager", **query) == expected, query
    assert await ids("worker_north", number=three["number"]) == []
    assert len({case["number"] for case in (first, two, three)}) == 3


async def test_list_pages_neither_skip_nor_repeat_items_while_the_list_grows(scenario: Scenario) -> None:
    referral_ids = [(await scenario.create_referral())["id"] for _ in range(5)]
    first = expect_json(await scenario.partner_one.get("/v1/referrals?limit=2"))
    assert [item["id"] for item in first["items"]] == referral_ids[:2:-1]
    await scenario.create_referral()
    rest = expect_json(
        await scenario.partner_one.get("/v1/referrals", params={"limit": 200, "cursor": first["next_cursor"]})
    )
    assert [item["id"] for item in rest["items"]] == referral_ids[2::-1]
    assert rest["next_cursor"] is None
    for caller in (scenario.partner_one, scenario.supervisor_north):
        for limit in (1, 5, 6):
            pages = await fetch_pages(caller, "/v1/referrals", limit, status="received")
            listed_ids = [item["id"] for item in flatten(pages)]
            assert (len(listed_ids), listed_ids[1:]) == (6, referral_ids[::-1])
            assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


async def test_page_of_children_logs_exactly_the_children_on_it(scenario: Scenario) -> None:
    child_ids = {(await scenario.open_case())["child_id"] for _ in range(3)}
    first = await scenario.worker_north.get("/v1/children?limit=2")
    ids_on_page = {child["id"] for child in expect_json(first)["items"]}
    entries = await scenario.list_access_entries(first.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == ids_on_page  # without the first child of the next page
    assert len(ids_on_page) == 2
    [one, two] = await fetch_pages(scenario.worker_north, "/v1/children", 2)
    assert {child["id"] for child in (*one, *two)} == child_ids


async def test_children_are_filtered_by_their_cases_and_contain_them_in_one_statement(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the filters applied to the first case of a child.
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    await backdate_case_opening(superuser_connection, case, 8, status="closed", closed_on=date_in_days(-1))
    second_case = Case(
        number="FSC-2026-0990", child_id=UUID(case["child_id"]), kind="survivor", team_id=id_of("north"), status="planning",
        lead_worker_id=WORKER_ID, opened_on=today(), age_at_referral_min=9, age_at_referral_max=9,
    )  # fmt: skip
    await insert_row(superuser_connection, second_case)
    await superuser_connection.execute(
        "UPDATE children SET province_code = '12' WHERE id = $1", UUID(other["child_id"])
    )
    for filters, expected in (
        ("", [other, case]),
        ("status=planning", [case]),
        ("status=closed", [case]),
        ("status=assessment,planning", [other, case]),
        (f"team_id={other['team_id']}", [other]),
        (f"lead_worker_id={case['lead_worker_id']}", [case]),
        (f"lead_worker_id={case['lead_worker_id']},{other['lead_worker_id']}&status=planning", [case]),
        ("province_code=12", [other]),
    ):
        with record_statements(scenario) as statements:
            page = expect_json(await scenario.manager.get(f"/v1/children?{filters}"))
        assert [item["id"] for item in page["items"]] == [each["child_id"] for each in expected], filters
        assert len(statements) == 2, statements  # the second one selects the places
    (child,) = expect_json(await scenario.worker_north.get("/v1/children"))["items"]
    lead_worker = case["lead_worker"]
    assert child["cases"] == [
        {
            "id": str(second_case.id),
            "number": "FSC-2026-0990",
            "status": "planning",
            "lead_worker": lead_worker,
        },
        {"id": case["id"], "number": case["number"], "status": "closed", "lead_worker": lead_worker},
    ]
    assert child["case_ids"] == [each["id"] for each in child["cases"]]


async def test_places_are_listed_and_searched_in_both_scripts_without_a_token(scenario: Scenario) -> None:
    async def list_codes(**query: str) -> list[str]:
        return [
            place["code"]
            for place in expect_json(await scenario.http.get("/v1/places", params=query))["items"]
        ]

    provinces = await list_codes()
    assert (len(provinces), provinces[0], provinces == sorted(provinces)) == (25, "01", True)
    districts = await list_codes(parent="17")
    assert districts
    assert all(code.startswith("17") and len(code) == 4 for code in districts)
    for q in ("Siemreap", "siem reap", "SIEM REAP", "សៀមរាប", "សៀម\u200bរាប", "សៀម"):
        assert "17" in await list_codes(q=q, limit="200"), q
    assert [await list_codes(q=q, limit="1") for q in ("ភ្នំពេញ", "រាជធានីភ្នំពេញ", "Phnom Penh")] == [["12"]] * 3
    for typed, looks_equal in (("ស្ត", "ស្ដ"), ("កណ្ដាល", "កណ្តាល"), ("ភូមិ១", "ភូមិ\u200b 1"), ("កណ្ដ", "កណ្\u200bត")):
        found = await list_codes(q=typed, limit="200")
        assert found, typed
        assert await list_codes(q=looks_equal, limit="200") == found, typed
    for q in ("!!", "\u200b", "%", "_", "Atlantis", "iemreap"):
        assert await list_codes(q=q, limit="200") == [], q
    assert set(await list_codes(parent="17", q="S")) < set(districts)
    assert await list_codes(parent="99") == []
    [*full, last] = await fetch_pages(AuthenticatedClient("anonymous", scenario.http, "-"), "/v1/places", 10)
    assert ([len(page) for page in full], len(last)) == ([10, 10], 5)
    for query in ("parent=171009", "q=siem", "q=k"):  # a village code looks like a date
        places = [
            place
            for page in await fetch_pages(
                AuthenticatedClient("anonymous", scenario.http, "-"), f"/v1/places?{query}", 20
            )
            for place in page
        ]
        assert [place["code"] for place in places] == sorted({place["code"] for place in places})
    for invalid in ({"parent": "1"}, {"parent": "17x"}, {"q": ""}, {"q": "x" * 61}, {"level": "province"}):
        assert (await scenario.http.get("/v1/places", params=invalid)).status_code == 422, invalid


async def test_public_reference_data_is_cacheable(scenario: Scenario) -> None:
    for path in (
        "/v1/places",
        "/v1/places?parent=17",
        "/v1/places/17",
        "/v1/codes",
        "/v1/codes/fault",
        "/v1/codes/urgency",
    ):
        response = await scenario.http.get(path)
        assert response.headers["cache-control"].startswith("public, max-age=")
        assert "Accept-Language" in response.headers["vary"]
        etag = response.headers["etag"]
        for if_none_match in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            cached = await scenario.http.get(path, headers={"if-none-match": if_none_match})
            assert (cached.status_code, cached.content, cached.headers["etag"]) == (304, b"", etag), (
                if_none_match
            )
        assert (await scenario.http.get(path, headers={"if-none-match": '"other"'})).status_code == 200
    etag_17, etag_18 = [
        (await scenario.http.get(f"/v1/places?parent={p}")).headers["etag"] for p in ("17", "18")
    ]
    assert etag_17 != etag_18


async def test_code_labels_follow_accept_language(scenario: Scenario) -> None:
    etags = set()
    for accept_language, language in (
        ("km", "km"),
        ("en", "en"),
        ("fr, km;q=0.5", "km"),
        ("fr", "en"),
        ("", "en"),
    ):
        response = await scenario.http.get("/v1/codes/urgency", headers={"accept-language": accept_language})
        body = expect_json(response)
        code_list = CODE_LISTS["urgency"]
        assert body["title"] == code_list.titles[language]
        labels = [(code["code"], code["label"]) for code in body["codes"]]
        assert labels == [(code.code, getattr(code, language)) for code in code_list.codes]
        etags.add((language, response.headers["etag"]))
    assert len(etags) == len({etag for _, etag in etags}) == 2
    code_lists = expect_json(await scenario.http.get("/v1/codes?limit=200"))["items"]
    assert {code_list["name"] for code_list in code_lists} == set(CODE_LISTS)
    assert (await scenario.http.get("/v1/codes/nothing")).status_code == 404
    assert (await scenario.http.get("/v1/codes/NO-SUCH")).status_code == 422


async def test_fault_code_list_explains_every_code_in_the_language_of_the_request(scenario: Scenario) -> None:
    # Catches: the English label for `Accept-Language: km`, and a code removed.
    english, khmer = [
        expect_json(await scenario.http.get("/v1/codes/fault", headers={"accept-language": language}))
        for language in ("en", "km")
    ]
    assert [code["code"] for code in english["codes"]] == [*FAULT_CODES]
    assert (english["title"], khmer["title"]) == (english["en"], english["km"])
    assert all(code["label"] == code["en"] for code in english["codes"])
    assert all(code["label"] == (code["km"] or code["en"]) for code in khmer["codes"])
    by_code = {code["code"]: code for code in khmer["codes"]}
    assert by_code["blank"]["label"] == KHMER_MESSAGES["blank"]
    assert by_code["own_work"]["km"] is None

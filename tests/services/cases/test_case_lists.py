"""Timelines, lists and what everybody may know: in order, page by page, without a gap or a repetition."""

from typing import Any

from app.schemas.codes import CODE_LISTS
from tests.support.payloads import AUNT_PAYLOAD, SHARING_CONSENT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload


async def pages(
    caller: AuthenticatedClient, path: str, limit: int, **filters: str
) -> list[list[dict[str, Any]]]:
    """Walk a list to its end, by cursor, checking that the Link header leads the same way."""
    found, cursor = [], None
    for _ in range(100):
        query = {**filters, "limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = await caller.get(path, params=query)
        page = expect_json(answer)
        found.append(page["items"])
        cursor = page["next_cursor"]
        assert ("next" in answer.links) == (cursor is not None)
        if cursor is None:
            return found
        assert expect_json(await caller.get(answer.links["next"]["url"]))["items"]
    raise AssertionError("the list never ends")


def flat(found: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [item for page in found for item in page]


async def test_every_act_leaves_its_line_in_the_timeline(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path, worker, supervisor = f"/v1/cases/{case['id']}", scenario.worker_north, scenario.supervisor_north
    aunt = expect_json(await worker.post(f"{path}/people", AUNT_PAYLOAD), 201)
    expect_json(await worker.patch(f"/v1/people/{aunt['id']}", {"note": "x"}, etag='"1"'))
    consent = expect_json(await worker.post(f"{path}/consents", SHARING_CONSENT_PAYLOAD), 201)
    expect_json(await worker.act(f"/v1/consents/{consent['id']}", "withdraw", {"reason": "x"}))
    expect_json(await worker.patch(f"/v1/children/{case['child_id']}", {"nickname": "Chet"}, etag='"1"'))
    expect_json(await worker.patch(path, {"summary": "Begun."}, etag='"1"'))
    expect_json(await supervisor.act(path, "assign", {"lead_worker_id": str(id_of("worker_north_2"))}))
    told = await scenario.create_referral(
        child={**referral_payload()["child"], "names": case["child"]["names"]}
    )
    expect_json(await supervisor.act(f"/v1/referrals/{told['id']}", "acknowledge"))
    joining = acceptance_payload(child_id=case["child_id"])
    expect_json(await supervisor.act(f"/v1/referrals/{told['id']}", "accept", joining))

    lines = expect_json(await supervisor.get(f"{path}/timeline"))["items"]
    w, chief = str(worker.id), str(supervisor.id)
    expected = [
        ("referral_joined", chief, "referral", told["id"]),
        ("lead_assigned", chief, "case", case["id"]),
        ("case_changed", w, "case", case["id"]),
        ("child_changed", w, "child", case["child_id"]),
        ("consent_withdrawn", w, "consent", consent["id"]),
        ("consent_recorded", w, "consent", consent["id"]),
        ("person_changed", w, "person", aunt["id"]),
        ("person_added", w, "person", aunt["id"]),
    ]
    seen = [(line["kind"], line["by_id"], line["record_kind"], line["record_id"]) for line in lines]
    assert seen[: len(expected)] == expected
    assert {kind for kind, *_ in seen[len(expected) :]} == {
        "referral_accepted",
        "case_opened",
        "consent_recorded",
    }
    assert lines[1]["detail"] == {"from_lead": w, "to_lead": str(id_of("worker_north_2"))}
    assert {(line["case_id"], line["child_id"]) for line in lines} == {(case["id"], case["child_id"])}

    for limit in (1, 3, 200):
        assert flat(await pages(supervisor, f"{path}/timeline", limit)) == lines
    for kind in {line["kind"] for line in lines}:  # what was written can be asked for
        wanted = [line for line in lines if line["kind"] == kind]
        assert flat(await pages(supervisor, f"{path}/timeline", 1, kind=kind)) == wanted
    assert (await worker.get(f"{path}/timeline")).status_code == 404  # no longer the worker's
    assert (await scenario.worker_south.get(f"{path}/timeline")).status_code == 404


async def test_cases_are_listed_by_what_is_asked_and_by_whom(scenario: Scenario) -> None:
    one = await scenario.open_case()
    two = await scenario.open_case("worker_north_2")
    three = await scenario.open_case("worker_south")
    newest_first = [case["id"] for case in (three, two, one)]

    async def ids(by: str, **query: str) -> list[str]:
        return [
            case["id"]
            for case in expect_json(await scenario.client_for(by).get("/v1/cases", params=query))["items"]
        ]

    assert await ids("manager") == newest_first
    assert await ids("supervisor_north") == newest_first[1:]
    assert await ids("worker_north") == [one["id"]]
    assert (await scenario.partner_one.get("/v1/cases")).status_code == 403
    for query, expected in (
        ({"status": "assessment"}, newest_first),
        ({"status": "closed"}, []),
        ({"kind": "survivor"}, newest_first),
        ({"kind": "hsb"}, []),
        ({"team_id": str(id_of("north"))}, newest_first[1:]),
        ({"lead_worker_id": str(id_of("worker_north_2"))}, [two["id"]]),
        ({"child_id": three["child_id"]}, [three["id"]]),
        ({"number": one["number"]}, [one["id"]]),
        ({"number": one["number"], "child_id": two["child_id"]}, []),
    ):
        assert await ids("manager", **query) == expected, query
    assert await ids("worker_north", number=three["number"]) == []
    assert len({case["number"] for case in (one, two, three)}) == 3


async def test_pages_neither_skip_nor_repeat_while_the_list_grows(scenario: Scenario) -> None:
    told = [(await scenario.create_referral())["id"] for _ in range(5)]
    first = expect_json(await scenario.partner_one.get("/v1/referrals?limit=2"))
    assert [item["id"] for item in first["items"]] == told[:2:-1]
    await scenario.create_referral()
    rest = expect_json(
        await scenario.partner_one.get("/v1/referrals", params={"limit": 200, "cursor": first["next_cursor"]})
    )
    assert [item["id"] for item in rest["items"]] == told[2::-1]
    assert rest["next_cursor"] is None
    for caller in (scenario.partner_one, scenario.supervisor_north):
        for limit in (1, 5, 6):
            walked = await pages(caller, "/v1/referrals", limit, urgency="urgent")
            listed = [item["id"] for item in flat(walked)]
            assert (len(listed), listed[1:]) == (6, told[::-1])
            assert [len(page) for page in walked[:-1]] == [limit] * (len(walked) - 1)


async def test_a_page_of_children_is_a_page_of_entries(scenario: Scenario) -> None:
    shown = {(await scenario.open_case())["child_id"] for _ in range(3)}
    first = await scenario.worker_north.get("/v1/children?limit=2")
    on_page = {child["id"] for child in expect_json(first)["items"]}
    entries = await scenario.list_access_entries(first.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == on_page  # and not the one that begins the next page
    assert len(on_page) == 2
    [one, two] = await pages(scenario.worker_north, "/v1/children", 2)
    assert {child["id"] for child in (*one, *two)} == shown


async def test_places_are_browsed_and_searched_in_both_scripts_by_anybody(scenario: Scenario) -> None:
    async def codes(**query: str) -> list[str]:
        return [
            place["code"]
            for place in expect_json(await scenario.http.get("/v1/places", params=query))["items"]
        ]

    provinces = await codes()
    assert (len(provinces), provinces[0], provinces == sorted(provinces)) == (25, "01", True)
    districts = await codes(parent="17")
    assert districts
    assert all(code.startswith("17") and len(code) == 4 for code in districts)
    for q in ("Siemreap", "siem reap", "SIEM REAP", "សៀមរាប", "សៀម\u200bរាប", "សៀម"):
        assert "17" in await codes(q=q, limit="200"), q
    assert [await codes(q=q, limit="1") for q in ("ភ្នំពេញ", "រាជធានីភ្នំពេញ", "Phnom Penh")] == [["12"]] * 3
    for q in ("!!", "\u200b", "%", "_", "Atlantis", "iemreap"):
        assert await codes(q=q, limit="200") == [], q
    assert set(await codes(parent="17", q="S")) < set(districts)
    assert await codes(parent="99") == []
    [*full, last] = await pages(AuthenticatedClient("nobody", scenario.http, "-"), "/v1/places", 10)
    assert ([len(page) for page in full], len(last)) == ([10, 10], 5)
    for query in ("parent=171009", "q=siem", "q=k"):  # a village's code looks like a day
        found = [
            place
            for page in await pages(
                AuthenticatedClient("nobody", scenario.http, "-"), f"/v1/places?{query}", 20
            )
            for place in page
        ]
        assert [place["code"] for place in found] == sorted({place["code"] for place in found})
    for wrong in ({"parent": "1"}, {"parent": "17x"}, {"q": ""}, {"q": "x" * 61}, {"level": "province"}):
        assert (await scenario.http.get("/v1/places", params=wrong)).status_code == 422, wrong


async def test_what_everybody_may_know_is_kept_by_caches(scenario: Scenario) -> None:
    for path in ("/v1/places", "/v1/places?parent=17", "/v1/codes", "/v1/codes/urgency"):
        fresh = await scenario.http.get(path)
        assert fresh.headers["cache-control"].startswith("public, max-age=")
        assert "Accept-Language" in fresh.headers["vary"]
        etag = fresh.headers["etag"]
        for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = await scenario.http.get(path, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), known
        assert (await scenario.http.get(path, headers={"if-none-match": '"other"'})).status_code == 200
    one, other = [(await scenario.http.get(f"/v1/places?parent={p}")).headers["etag"] for p in ("17", "18")]
    assert one != other


async def test_labels_come_in_the_language_asked_for(scenario: Scenario) -> None:
    etags = set()
    for accepted, language in (("km", "km"), ("en", "en"), ("fr, km;q=0.5", "km"), ("fr", "en"), ("", "en")):
        answer = await scenario.http.get("/v1/codes/urgency", headers={"accept-language": accepted})
        shown = expect_json(answer)
        kept = CODE_LISTS["urgency"]
        assert shown["title"] == kept.titles[language]
        labels = [(code["code"], code["label"]) for code in shown["codes"]]
        assert labels == [(code.code, getattr(code, language)) for code in kept.codes]
        etags.add((language, answer.headers["etag"]))
    assert len(etags) == len({etag for _, etag in etags}) == 2
    everything = expect_json(await scenario.http.get("/v1/codes?limit=200"))["items"]
    assert {listed["name"] for listed in everything} == set(CODE_LISTS)
    assert (await scenario.http.get("/v1/codes/nothing")).status_code == 404
    assert (await scenario.http.get("/v1/codes/NO-SUCH")).status_code == 422

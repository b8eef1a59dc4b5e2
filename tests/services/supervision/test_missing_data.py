"""The list of missing data: its rules, filters and pages, and who sees which entries."""

from typing import Any

from app.schemas.codes import get_codes
from app.services.supervision.missing_data_rules import RULES
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of, referral_payload

PATH = "/v1/missing-data"


async def list_entries(scenario: Scenario, name: str = "worker_north", **params: Any) -> list[dict[str, Any]]:
    response = await scenario.client_for(name).get(PATH, params=params)
    items: list[dict[str, Any]] = expect_json(response)["items"]
    return items


async def open_poor_case(scenario: Scenario, lead: str = "worker_north") -> dict[str, Any]:
    """Open a case whose referral contained neither sex nor place of the child."""
    child = {**referral_payload()["child"], "sex": "unknown"}
    child.pop("place_code")
    return await scenario.open_case(lead, child=child)


async def patch_child(scenario: Scenario, case: dict[str, Any], changes: dict[str, Any]) -> None:
    path = f"/v1/children/{case['child_id']}"
    etag = (await scenario.worker_north.get(path)).headers["etag"]
    expect_json(await scenario.worker_north.patch(path, changes, etag=etag))


def test_every_rule_has_a_label_and_every_label_a_rule() -> None:
    assert {rule.kind for rule in RULES} == set(get_codes("missing_data_kind"))
    assert len({rule.kind for rule in RULES}) == len(RULES)


async def test_missing_fields_of_a_case_are_listed_until_they_are_completed(scenario: Scenario) -> None:
    # Catches: any condition of RULES replaced by false.
    case = await open_poor_case(scenario)
    entries = {entry["kind"]: entry for entry in await list_entries(scenario)}
    assert {"child_sex", "province"} <= entries.keys()
    assert not {"child_birth", "consent"} & entries.keys()
    entry = entries["child_sex"]
    assert (entry["case_number"], entry["field"], entry["worker"]["name"], entry["team"]["name"]) == (
        case["number"], "/sex", "Worker North", "north",
    )  # fmt: skip
    assert entry["child"]["names"][0]["family"] == "Keo"
    assert (entry["record"], entry["link"]) == (
        {"kind": "child", "id": case["child_id"]},
        f"/v1/children/{case['child_id']}",
    )
    await patch_child(scenario, case, {"sex": "female", "place_code": "1710"})
    assert not {"child_sex", "province"} & {entry["kind"] for entry in await list_entries(scenario)}
    await patch_child(scenario, case, {"birth": None})
    assert "child_birth" in {entry["kind"] for entry in await list_entries(scenario)}


async def test_rows_of_a_page_are_logged_and_further_rows_are_not(scenario: Scenario) -> None:
    # Catches: `shows=NoShownRecord(…)`.
    cases = [await open_poor_case(scenario) for _ in range(2)]
    response = await scenario.supervisor_north.get(PATH, params={"kind": "child_sex", "limit": 1})
    page = expect_json(response)
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (
        {entry["child_id"] for entry in entries} == {page["items"][0]["child_id"]} == {cases[0]["child_id"]}
    )
    rest = await list_entries(
        scenario, "supervisor_north", kind="child_sex", limit=1, cursor=page["next_cursor"]
    )
    assert [entry["case_id"] for entry in rest] == [cases[1]["id"]]


async def test_pages_contain_every_entry_once(scenario: Scenario) -> None:
    for _ in range(2):
        await open_poor_case(scenario)
    complete = await list_entries(scenario, "manager")
    paged, cursor = [], None
    while True:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = expect_json(await scenario.manager.get(PATH, params=params))
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == complete
    assert len(complete) > 3


async def test_each_caller_sees_the_cases_of_the_own_scope(scenario: Scenario) -> None:
    # Catches: OWN_CASES without the team.
    north = await open_poor_case(scenario)
    south = await open_poor_case(scenario, "worker_south")
    scopes = {
        "worker_north": {north["id"]}, "worker_north_2": set(), "worker_south": {south["id"]},
        "supervisor_north": {north["id"]}, "supervisor_both": {north["id"], south["id"]},
        "manager": {north["id"], south["id"]},
    }  # fmt: skip
    for name, cases in scopes.items():
        assert {entry["case_id"] for entry in await list_entries(scenario, name)} == cases, name
    for name in ("finance", "me_officer", "dpo", "admin"):
        assert (await scenario.client_for(name).get(PATH)).status_code == 403, name
    south_team = await list_entries(scenario, "manager", team_id=str(id_of("south")))
    assert {entry["case_id"] for entry in south_team} == {south["id"]}
    of_worker = await list_entries(scenario, "manager", worker_id=str(id_of("worker_north")))
    assert {entry["case_id"] for entry in of_worker} == {north["id"]}


async def test_case_behind_a_conflict_wall_is_not_listed(scenario: Scenario) -> None:
    own, other = await open_poor_case(scenario), await open_poor_case(scenario, "worker_south")
    link = {"linked_case_id": other["id"], "reason": "The same matter."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{own['id']}/links", link), 201)
    assert {entry["case_id"] for entry in await list_entries(scenario)} == {own["id"]}
    assert {entry["case_id"] for entry in await list_entries(scenario, "worker_south")} == {other["id"]}


async def test_unknown_kinds_and_parameters_are_rejected(scenario: Scenario) -> None:
    for params in (
        {"kind": "everything"},
        {"worker_id": "x"},
        {"limit": 0},
        {"sort": "kind"},
        {"cursor": "x"},
    ):
        assert (await scenario.worker_north.get(PATH, params=params)).status_code == 422, params

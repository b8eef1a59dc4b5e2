"""Merging two records of one child, and undoing a merge."""

from typing import Any
from uuid import UUID

from tests.support.case_lifecycle import create_assessment_draft
from tests.support.case_samples import create_case_with_records
from tests.support.child_merges import (
    REASON,
    child_path,
    close_case,
    list_children_by_row,
    merge,
    open_two_cases,
    send_merge,
)
from tests.support.list_pages import fetch_items
from tests.support.payloads import PERSON_PAYLOAD, reopening_consent_payload
from tests.support.responses import expect_json, patch_latest
from tests.support.scenario import Scenario, acceptance_payload, id_of


def reopening_payload() -> dict[str, Any]:
    return {"reason": "Does not sleep again.", "consent": reopening_consent_payload()}


NAMES = [{"script": "latin", "family": "Vong", "given": "Piseth"}]
OTHER_NAMES = [{"script": "latin", "family": "Chhorn", "given": "Makara"}]


def build_child(names: list[dict[str, str]]) -> dict[str, Any]:
    return {"names": names, "sex": "male", "birth": {"date": "2015-05-04", "precision": "day"}}


async def test_merge_moves_a_case_with_all_its_records(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `add_case_and_child_keys` without `onupdate`; the key of one table missing from it.
    case = await scenario.open_case()
    sample = await create_case_with_records(scenario, "worker_north")
    await close_case(superuser_connection, sample.case)
    before = await list_children_by_row(superuser_connection)
    tables = {table for table, case_id, _ in before if case_id == sample.case["id"]}
    assert len(tables) > 18

    kept = await merge(scenario, case["child_id"], sample.case["child_id"])
    assert kept["case_ids"] == [sample.case["id"], case["id"]]
    assert await list_children_by_row(superuser_connection) == {
        (table, case_id, case["child_id"] if case_id == sample.case["id"] else child_id)
        for table, case_id, child_id in before
    }
    worker = scenario.worker_north
    for resource in ("people", "consents", "support-sessions"):
        items = await fetch_items(worker, f"{sample.path}/{resource}")
        assert {item["child_id"] for item in items} <= {case["child_id"]}
    referral = expect_json(await worker.get(f"/v1/referrals/{sample.ids['referral']}"))
    assert referral["child_id"] == case["child_id"]
    merged = expect_json(await worker.get(child_path(sample.case["child_id"])))
    assert (merged["merged_into_id"], merged["case_ids"]) == (case["child_id"], [])
    assert kept["merged_into_id"] is None


async def test_unmerge_restores_the_child_of_every_row(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `access.unmerge_children` moves all cases of the child that was kept, or none.
    case = await scenario.open_case()
    sample = await create_case_with_records(scenario, "worker_north")
    await close_case(superuser_connection, sample.case)
    before = await list_children_by_row(superuser_connection)
    tokens_sql = "SELECT owner_id, kind, child_id, token FROM name_tokens ORDER BY 1, 2, 4"
    tokens = await superuser_connection.fetch(tokens_sql)
    await merge(scenario, case["child_id"], sample.case["child_id"])
    kept = await merge(scenario, case["child_id"], sample.case["child_id"], "unmerge")
    assert kept["case_ids"] == [case["id"]]
    assert before <= await list_children_by_row(superuser_connection)
    children = {case_id: child_id for _, case_id, child_id in before}
    after = await list_children_by_row(superuser_connection)
    assert all(children[case_id] == child_id for _, case_id, child_id in after)
    assert await superuser_connection.fetch(tokens_sql) == tokens
    assert (
        expect_json(await scenario.manager.get(child_path(sample.case["child_id"])))["merged_into_id"] is None
    )


async def test_records_after_the_merge_follow_their_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `access.list_cases_of_merge` without its second part: the reopened case stays.
    case, other = await open_two_cases(scenario, superuser_connection)
    await close_case(superuser_connection, case)
    child_id, merged_id = case["child_id"], other["child_id"]
    await merge(scenario, child_id, merged_id)
    supervisor = scenario.supervisor_north
    person = expect_json(await supervisor.post(f"/v1/cases/{other['id']}/people", PERSON_PAYLOAD), 201)
    assert person["child_id"] == child_id
    reopened = expect_json(
        await supervisor.act(f"/v1/cases/{other['id']}", "reopen", reopening_payload()), 201
    )
    assert reopened["child_id"] == child_id
    await close_case(superuser_connection, reopened)
    referral = f"/v1/referrals/{(await scenario.create_referral())['id']}"
    expect_json(await supervisor.act(referral, "acknowledge", {"team_id": str(id_of("north"))}))
    accepted = expect_json(await supervisor.act(referral, "accept", acceptance_payload(child_id=child_id)))

    kept = await merge(scenario, child_id, merged_id, "unmerge")
    assert kept["case_ids"] == [accepted["case_id"], case["id"]]
    restored = expect_json(await supervisor.get(child_path(merged_id)))
    assert restored["case_ids"] == [reopened["id"], other["id"]]
    assert expect_json(await supervisor.get(f"/v1/people/{person['id']}"))["child_id"] == merged_id


async def test_search_and_matches_find_the_kept_child_by_the_merged_name(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_fetch_candidates` and `access.duplicate_profiles` without the merged children.
    case = await scenario.open_case(child=build_child(NAMES))
    other = await scenario.open_case(child=build_child(OTHER_NAMES))
    await close_case(superuser_connection, other)
    child_id, worker = case["child_id"], scenario.worker_north

    async def find(text: str) -> list[str]:
        return [child["id"] for child in await fetch_items(worker, "/v1/children", q=text)]

    async def match() -> set[str]:
        referral = await scenario.create_referral(
            "worker_north", child=build_child(OTHER_NAMES), source="walk_in"
        )
        items = expect_json(await worker.get(f"/v1/referrals/{referral['id']}/matches"))["items"]
        return {item["id"] for item in items if item["kind"] == "child"}

    await merge(scenario, child_id, other["child_id"])
    for _ in range(2):
        assert await find("Chhorn Makara") == await find("Vong Piseth") == [child_id]
        assert await match() == {child_id}
        expect_json(await patch_latest(worker, child_path(child_id), {"nickname": "Seth"}))
    await merge(scenario, child_id, other["child_id"], "unmerge")
    assert await find("Chhorn Makara") == [other["child_id"]]
    assert await find("Vong Piseth") == [child_id]
    assert await match() == {other["child_id"]}


async def test_history_of_both_children_shows_the_merge(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_record_change` writes only one of the entries; the policy of record_changes without merged children.
    case, other = await open_two_cases(scenario, superuser_connection)
    child_id, merged_id = case["child_id"], other["child_id"]
    expect_json(await patch_latest(scenario.worker_north, child_path(merged_id), {"nickname": "Seth"}))
    for verb in ("merge", "unmerge"):
        await merge(scenario, child_id, merged_id, verb)
        fields = (("merged_child_id", child_id, merged_id), ("merged_into_id", merged_id, child_id))
        for field, own_id, named_id in fields:
            entry, *earlier = await fetch_items(scenario.worker_north, f"{child_path(own_id)}/history")
            values = (None, named_id) if verb == "merge" else (named_id, None)
            assert entry["changes"][0] == {"field": field, "before": values[0], "after": values[1]}
            assert entry["changes"][1] == {"field": "reason", "before": None, "after": REASON}
            assert entry["by_id"] == str(id_of("supervisor_north"))
            assert (own_id == merged_id) is any(
                change["field"] == "nickname" for line in earlier for change in line["changes"]
            )
        for each in (case, other):
            kinds = [
                entry["kind"]
                for entry in await fetch_items(scenario.worker_north, f"/v1/cases/{each['id']}/timeline")
            ]
            assert f"children_{verb}d" in kinds


async def test_child_with_merged_records_can_be_merged_into_another_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `access.merge_children` leaves `merged_into_id` of the records that were merged before.
    first, second, third = [await scenario.open_case() for _ in range(3)]
    for case in (second, third):
        await close_case(superuser_connection, case)
    a, b, c = (case["child_id"] for case in (first, second, third))
    await merge(scenario, b, c)
    await merge(scenario, a, b)
    for merged_id in (b, c):
        assert expect_json(await scenario.worker_north.get(child_path(merged_id)))["merged_into_id"] == a
    await merge(scenario, a, b, "unmerge")
    restored = expect_json(await scenario.worker_north.get(child_path(b)))
    assert restored["case_ids"] == [third["id"], second["id"]]
    assert expect_json(await scenario.worker_north.get(child_path(c)))["merged_into_id"] == b
    await merge(scenario, b, c, "unmerge")
    assert expect_json(await scenario.worker_north.get(child_path(b)))["case_ids"] == [second["id"]]


async def test_log_of_the_kept_child_contains_accesses_of_the_merged_record(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `access.list_children_in_log` returns only the child.
    case, other = await open_two_cases(scenario, superuser_connection)
    child_id, merged_id = case["child_id"], other["child_id"]
    earlier = (await scenario.worker_north.get(child_path(merged_id))).headers["x-request-id"]
    response = await send_merge(scenario.supervisor_north, child_id, merged_id)
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {child_id, merged_id}
    assert {(entry["act"], entry["outcome"]) for entry in entries} == {("child.merge", "allowed")}
    request_ids = {
        entry["request_id"] for entry in await fetch_items(scenario.dpo, f"{child_path(child_id)}/accesses")
    }
    assert {earlier, response.headers["x-request-id"]} <= request_ids
    shown = (await scenario.worker_north.get(child_path(merged_id))).headers["x-request-id"]
    entries = await scenario.list_access_entries(shown)
    assert {entry["child_id"] for entry in entries} == {child_id, merged_id}
    expect_json(await scenario.worker_north.get(f"/v1/cases/{other['id']}"))
    await merge(scenario, child_id, merged_id, "unmerge")
    by_case = await fetch_items(scenario.dpo, "/v1/audit/accesses", case_id=other["id"], limit=200)
    assert {entry["child_id"] for entry in by_case} - {None} == {child_id, merged_id}


async def test_merge_does_not_make_the_caller_a_contributor_of_drafts(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the comparison of `child_id` removed from `access.record_contributor`.
    case, path = await create_assessment_draft(scenario)
    other = await scenario.open_case()
    await close_case(superuser_connection, other)
    await merge(scenario, other["child_id"], case["child_id"])
    sql = "SELECT contributor_ids FROM assessments WHERE id = $1"
    contributors = await superuser_connection.fetchval(sql, UUID(path.rpartition("/")[2]))
    assert id_of("supervisor_north") not in contributors

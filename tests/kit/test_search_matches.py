"""The pages of a search: a change between two pages neither skips nor repeats records that did not change."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload

EXACT, LONGER, LONGEST, OTHER = "Sokha", "Sokhana", "Sokhanara", "Vannak"
Q = "chhorn sokha"


def _name_payload(given: str) -> list[dict[str, str]]:
    return [{"script": "latin", "family": "Chhorn" if given != OTHER else "Keo", "given": given}]


def _child_payload(given: str) -> dict[str, Any]:
    return {**referral_payload()["child"], "names": _name_payload(given)}


async def _open_case(scenario: Scenario, given: str) -> tuple[str, str]:
    """Return the ids of the case and of its child."""
    case = await scenario.open_case(child=_child_payload(given))
    return case["id"], case["child_id"]


async def _add_case(scenario: Scenario, given: str) -> dict[str, str]:
    case_id, child_id = await _open_case(scenario, given)
    return {"id": case_id, "path": f"/v1/children/{child_id}"}


async def _add_child(scenario: Scenario, given: str) -> dict[str, str]:
    _, child_id = await _open_case(scenario, given)
    return {"id": child_id, "path": f"/v1/children/{child_id}"}


async def _add_referral(scenario: Scenario, given: str) -> dict[str, str]:
    referral = await scenario.create_referral(child=_child_payload(given))
    return {"id": referral["id"], "path": f"/v1/referrals/{referral['id']}"}


async def _rename(scenario: Scenario, record: dict[str, str]) -> None:
    """Give the child of a record a name that the search does not find."""
    names = {"names": _name_payload(OTHER)}
    payload = {"child": names} if record["path"].startswith("/v1/referrals") else names
    caller = scenario.supervisor_north if "child" in payload else scenario.worker_north
    etag = (await caller.get(record["path"])).headers["etag"]
    expect_json(await caller.patch(record["path"], payload, etag=etag))


@pytest.mark.parametrize(
    ("path", "add"),
    [("/v1/cases", _add_case), ("/v1/children", _add_child), ("/v1/referrals", _add_referral)],
)
async def test_changes_between_pages_of_a_search_neither_skip_nor_repeat_other_records(
    scenario: Scenario, path: str, add: Callable[[Scenario, str], Any]
) -> None:
    # Catches: the sort value replaced by the position of the match. The search then repeats the
    # first record and skips the last.
    last, middle, first = [await add(scenario, given) for given in (LONGEST, LONGER + "a", LONGER)]

    async def fetch_page(cursor: str | None) -> tuple[list[str], str | None]:
        params = {"q": Q, "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = expect_json(await scenario.supervisor_north.get(path, params=params))
        return [item["id"] for item in page["items"]], page["next_cursor"]

    ids, cursor = await fetch_page(None)
    assert ids == [first["id"]]
    added = await add(scenario, EXACT)
    ids, cursor = await fetch_page(cursor)
    assert ids == [middle["id"]]
    for record in (added, first):
        await _rename(scenario, record)
    assert await fetch_page(cursor) == ([last["id"]], None)
    assert (await fetch_page(None))[0] == [middle["id"]]

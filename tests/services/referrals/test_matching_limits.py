"""Possible duplicates reveal as little as possible about children whom the caller cannot see."""

import asyncio
import hashlib
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.database.urls import to_driver_url
from bench import inference
from tests.support.matching import (
    COMMUNES,
    HIDDEN_CHILD,
    MAX_BY_CALLER,
    MAX_CHANGES,
    PHONE,
    build_child,
    enter_referral,
)
from tests.support.raw_sql import open_access, open_transaction_as, set_access
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, id_of

MAX_BITS_PER_DAY = 13.3


async def change_child(client: AuthenticatedClient, path: str, child: dict[str, Any]) -> None:
    etag = (await client.get(path)).headers["etag"]
    expect_json(await client.patch(path, {"child": child}, etag=etag))


async def list_child_matches(client: AuthenticatedClient, path: str) -> list[dict[str, Any]]:
    items = expect_json(await client.get(f"{path}/matches"))["items"]
    return [item for item in items if item["kind"] == "child"]


async def get_limit(client: AuthenticatedClient, path: str) -> str | None:
    """List the matches, and return the limit that left out the hidden ones, or None."""
    withheld = expect_json(await client.get(f"{path}/matches"))["withheld"]
    return withheld and str(withheld["limit"])


class Attack:
    """A worker of another team, who knows the name and the phone number of a child, guesses the other facts."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self.client = client
        self.path = ""
        self.answers = 0

    async def ask(self, **facts: Any) -> float | None:
        """Return the similarity of the hidden child as far as the response shows it, or None after a limit.

        After a limit, the attack continues with a new referral.
        """
        child = {"sex": None, "place_code": None, "phone": None, **build_child(**facts)}
        for path in (self.path, ""):
            if path:
                await change_child(self.client, path, child)
            else:
                self.path = await enter_referral(
                    self.client, {k: v for k, v in child.items() if v is not None}
                )
            listed = expect_json(await self.client.get(f"{self.path}/matches"))
            if listed["withheld"] is None:
                self.answers += 1
                hidden = [item for item in listed["items"] if item["kind"] == "child"]
                likelihoods = {"likely": 0.8, "possible": 0.6}
                return max((item["score"] or likelihoods[item["likelihood"]] for item in hidden), default=0.0)
        return None

    async def recover_facts(self) -> dict[str, Any]:
        """Return the facts that the answers reveal. The other facts are chosen so that a correct guess changes the likelihood."""
        years = {
            year: {"birth": {"date": f"{year}-01-01", "precision": "year"}} for year in range(2009, 2022)
        }
        year = await self.choose([(year, {"phone": PHONE, **birth}) for year, birth in years.items()])
        birth = years.get(year, {})
        sex = await self.choose([(sex, {"sex": sex, **birth}) for sex in ("female", "male")])
        other_sex = "female" if sex == "male" else "male"
        guesses = [(code, {"place_code": code, "sex": other_sex, **birth}) for code in COMMUNES]
        return {"year": year, "sex": sex, "commune": await self.choose(guesses)}

    async def choose(self, guesses: list[tuple[Any, dict[str, Any]]]) -> Any:
        """Return the guess with the highest similarity among the answers, or None if no guess stands out."""
        answers = [(await self.ask(**facts), value) for value, facts in guesses]
        best = max((answer for answer, _ in answers if answer is not None), default=0.0)
        winners = [value for answer, value in answers if answer == best]
        return winners[0] if best and len(winners) == 1 else None


async def test_attack_of_37_queries_does_not_recover_a_hidden_child(scenario: Scenario) -> None:
    # Catches: `access.record_matching` always returns `recorded`. The likelihood alone then reveals the three facts.
    # Catches: `_to_schema` shows the score of a hidden record.
    await scenario.open_case(child=HIDDEN_CHILD)
    attack = Attack(scenario.worker_south)
    recovered = await attack.recover_facts()
    assert recovered == {"year": None, "sex": None, "commune": None}
    assert attack.answers == MAX_BY_CALLER


async def test_hidden_match_shows_only_its_likelihood(scenario: Scenario) -> None:
    # Catches: `_find_possible_duplicates` uses the id of the record for all of them.
    case = await scenario.open_case(child=HIDDEN_CHILD)
    worker = scenario.worker_south
    path, other_path = [await enter_referral(worker, HIDDEN_CHILD) for _ in range(2)]
    (match,) = await list_child_matches(worker, path)
    assert {**match, "id": None} == {
        "kind": "child",
        "record_kind": "child", "id": None, "is_visible": False, "likelihood": "likely", "score": None, "why": None,
    }  # fmt: skip
    assert match == (await list_child_matches(worker, path))[0]
    (other_match,) = await list_child_matches(worker, other_path)
    await change_child(worker, path, {"sex": None})
    (changed_match,) = await list_child_matches(worker, path)
    assert len({case["child_id"], match["id"], other_match["id"], changed_match["id"]}) == 4
    assert UUID(match["id"]).version == 4
    response = await worker.get(f"{path}/matches")
    logged = await scenario.list_access_entries(response.headers["x-request-id"])
    assert case["child_id"] in {entry["child_id"] for entry in logged}
    (visible_match,) = await list_child_matches(scenario.manager, path)
    assert (visible_match["id"], visible_match["is_visible"]) == (case["child_id"], True)
    assert visible_match["score"] >= 0.75
    assert "name_same" in visible_match["why"]


async def test_order_of_hidden_matches_does_not_show_which_is_more_similar(scenario: Scenario) -> None:
    # Catches: `sort_key` uses the score of hidden records.
    similar_child = {**HIDDEN_CHILD, "place_code": "0102"}
    children = [
        (await scenario.open_case(child=child))["child_id"] for child in (HIDDEN_CHILD, similar_child)
    ]
    orders = set()
    for number in range(MAX_BY_CALLER):
        path = await enter_referral(scenario.worker_south, {**HIDDEN_CHILD, "nickname": f"Nickname {number}"})
        matches = await list_child_matches(scenario.worker_south, path)
        assert [match["id"] for match in matches] == sorted(match["id"] for match in matches)
        entered = await list_child_matches(scenario.supervisor_both, path) if number == 0 else []
        orders |= {tuple(match["id"] for match in entered)} - {()}
    assert orders == {tuple(children)}


async def test_sixth_change_of_a_day_needs_an_act_of_another_supervisor(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the condition on `a.allowed_by_id` removed from `access.record_matching`.
    path = await enter_referral(scenario.supervisor_north, build_child())
    supervisor = scenario.supervisor_north

    async def match_changes(first: int, last: int) -> list[str | None]:
        limits = []
        for number in range(first, last + 1):
            await change_child(supervisor, path, {"nickname": f"Nickname {number}"})
            limits.append(await get_limit(supervisor, path))
        return limits

    assert await match_changes(0, MAX_CHANGES) == [None] * (MAX_CHANGES + 1)
    assert await match_changes(0, MAX_CHANGES) == [None] * (MAX_CHANGES + 1), "a repetition is not counted"
    assert await match_changes(6, 6) == ["referral_limit"]
    withheld = expect_json(await supervisor.get(f"{path}/matches"))["withheld"]
    supervisors = [str(id_of(name)) for name in ("supervisor_both", "supervisor_south")]
    assert sorted(person["id"] for person in withheld["ask"]) == sorted(supervisors), "not the caller"

    reason = {"reason": "The family corrected the age."}
    expect_json(await supervisor.act(path, "allow-matching", reason))
    assert await get_limit(supervisor, path) == "referral_limit", "a permission for oneself"
    allowed = expect_json(await scenario.supervisor_south.act(path, "allow-matching", reason))
    own, other = allowed["matching_allowances"]
    assert (own["allowed_by"]["id"], other["allowed_by"]["id"]) == (
        str(supervisor.id),
        str(id_of("supervisor_south")),
    )
    assert other["reason"] == reason["reason"]
    assert await match_changes(6, 11) == [None] * MAX_CHANGES + ["referral_limit"]

    await superuser_connection.execute(
        "UPDATE referral_matchings SET matched_at = matched_at - interval '1 day'"
    )
    assert await get_limit(supervisor, path) is None


async def test_permission_to_match_needs_a_supervisor_of_the_team_and_an_open_referral(
    scenario: Scenario,
) -> None:
    path = await enter_referral(scenario.supervisor_south, build_child())
    reason = {"reason": "The family corrected the age."}
    expect_json(await scenario.supervisor_both.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    refused = await scenario.supervisor_south.act(path, "allow-matching", reason)
    assert (refused.status_code, refused.json()["unmet"][0]["code"]) == (409, "not_your_team")
    expect_json(await scenario.manager.act(path, "allow-matching", reason))
    expect_json(await scenario.supervisor_both.act(path, "withdraw", {"reason": "Entered twice."}))
    refused = await scenario.manager.act(path, "allow-matching", reason)
    assert (refused.status_code, refused.json()["unmet"][0]["code"]) == (409, "status")


async def test_identities_of_one_caller_are_limited_in_concurrent_requests(scenario: Scenario) -> None:
    # Catches: the lock of the caller removed from `access.record_matching`.
    worker = scenario.worker_south
    paths = [
        await enter_referral(worker, build_child(nickname=f"Nickname {n}")) for n in range(MAX_BY_CALLER + 4)
    ]
    limits = await asyncio.gather(*(get_limit(worker, path) for path in paths))
    assert Counter(limits) == {None: MAX_BY_CALLER, "caller_limit": 4}
    assert await get_limit(scenario.supervisor_south, paths[-1]) is None
    limited = paths[limits.index("caller_limit")]
    expect_json(
        await scenario.manager.act(limited, "allow-matching", {"reason": "Two children of a school."})
    )
    assert await get_limit(worker, limited) is None


async def send_referrals(scenario: Scenario, count: int) -> list[str]:
    """Send referrals as a partner's system, and return their paths."""
    return [f"/v1/referrals/{(await scenario.create_referral())['id']}" for _ in range(count)]


async def test_first_comparison_of_a_partner_referral_is_not_counted(scenario: Scenario) -> None:
    # Catches: `is_exempt` always false in `access.record_matching`.
    supervisor = scenario.supervisor_south
    for path in await send_referrals(scenario, MAX_BY_CALLER + 2):
        etag = (await supervisor.get(path)).headers["etag"]
        expect_json(await supervisor.patch(path, {"urgency": "routine"}, etag=etag))
        assert await get_limit(supervisor, path) is None
    paths = [
        await enter_referral(supervisor, build_child(nickname=f"N {n}")) for n in range(MAX_BY_CALLER + 1)
    ]
    limits = [await get_limit(supervisor, path) for path in paths]
    assert limits == [None] * MAX_BY_CALLER + ["caller_limit"]


@pytest.mark.parametrize("editor", ["supervisor_south", "supervisor_both"])
async def test_first_comparison_is_counted_if_staff_changed_the_identity(
    scenario: Scenario, editor: str
) -> None:
    # Catches: `update_referral` does not set `identity_changed_by_staff`; the condition removed from
    # `access.record_matching`. A caller then gets one uncounted comparison for each partner referral.
    *paths, last = await send_referrals(scenario, MAX_BY_CALLER + 1)
    for number, path in enumerate([*paths, last]):
        await change_child(scenario.client_for(editor), path, {"nickname": f"Nickname {number}"})
    limits = [await get_limit(scenario.supervisor_south, path) for path in (*paths, last)]
    assert limits == [None] * MAX_BY_CALLER + ["caller_limit"]


async def test_referrals_that_a_colleague_entered_are_counted(scenario: Scenario) -> None:
    # Catches: the condition on `agency_id` removed from `access.record_matching`. Two persons can then share guesses.
    paths = [
        await enter_referral(scenario.manager, build_child(nickname=f"N {n}"))
        for n in range(MAX_BY_CALLER + 1)
    ]
    limits = [await get_limit(scenario.supervisor_south, path) for path in paths]
    assert limits == [None] * MAX_BY_CALLER + ["caller_limit"]


def test_the_answers_of_a_day_reveal_less_than_a_child_has_facts() -> None:
    # Catches: `MAX_BY_CALLER` and `ANSWERS_PER_DAY` raised to 10. Other tests compare `MAX_BY_CALLER` with the
    # database.
    assert inference.ANSWERS_PER_DAY == MAX_BY_CALLER
    bits = inference.measure_best_request(inference.answer_with_likelihood)
    assert bits * inference.ANSWERS_PER_DAY <= MAX_BITS_PER_DAY


async def test_changes_of_a_referral_are_limited_for_concurrent_callers(scenario: Scenario) -> None:
    # Catches: the lock of the referral removed from `access.record_matching`.
    path = await enter_referral(scenario.worker_north, build_child())
    referral_id = UUID(path.rpartition("/")[2])
    callers = ["supervisor_north", "supervisor_south", "supervisor_both", "manager"] * 3

    async def record(number: int, caller: str) -> str:
        connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
        try:
            access = await open_access(connection, caller, "referral.match")
            async with connection.transaction():
                await set_access(connection, access)
                digest = hashlib.sha256(str(number).encode()).digest()
                result: str = await connection.fetchval(
                    "SELECT access.record_matching($1, $2)", referral_id, digest
                )
                await asyncio.sleep(0.02)
            return result
        finally:
            await connection.close()

    assert await record(-1, "manager") == "recorded"
    results = await asyncio.gather(*(record(number, caller) for number, caller in enumerate(callers)))
    assert sorted(results) == ["recorded"] * MAX_CHANGES + ["referral_limit"] * (len(callers) - MAX_CHANGES)


async def test_hidden_child_is_accepted_only_under_the_id_of_the_present_content(scenario: Scenario) -> None:
    # Catches: `find_matching_child_id` compares without `is_matched`.
    await scenario.open_case(child=HIDDEN_CHILD)
    supervisor = scenario.supervisor_south
    path = await enter_referral(supervisor, HIDDEN_CHILD)
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("south"))}))
    (match,) = await list_child_matches(supervisor, path)

    async def accept_codes() -> set[str]:
        acceptance = {
            "case_kind": "survivor", "lead_worker_id": str(id_of("worker_south")), "team_id": str(id_of("south")),
            "screening": {"meets_criteria": True, "reason": None}, "duplicates_reviewed": True, "child_id": match["id"],
        }  # fmt: skip
        refused = await supervisor.act(path, "accept", acceptance)
        assert refused.status_code == 409, refused.text
        return {unmet["code"] for unmet in refused.json()["unmet"]}

    assert await accept_codes() == {"open_case_elsewhere"}
    await change_child(supervisor, path, {"nickname": "Another"})
    assert await accept_codes() == {"child_unknown"}


@pytest.mark.parametrize("act", ["case.read", "referral.list"])
async def test_matching_functions_answer_only_within_their_acts(
    scenario: Scenario, api_connection: Any, act: str
) -> None:
    path = await enter_referral(scenario.worker_south, HIDDEN_CHILD)
    referral_id = UUID(path.rpartition("/")[2])
    async with open_transaction_as(api_connection, "worker_south", act=act):
        assert not await api_connection.fetchval("SELECT access.is_matched($1, $2)", referral_id, b"x" * 32)
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await api_connection.fetchval("SELECT access.record_matching($1, $2)", referral_id, b"x" * 32)


async def test_matching_functions_answer_only_for_visible_referrals(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `access.can_match` without the condition that the caller can see the referral or its case.
    path = await enter_referral(scenario.worker_north, HIDDEN_CHILD)
    referral_id = UUID(path.rpartition("/")[2])
    for caller, is_permitted in (("worker_south", False), ("worker_north", True)):
        async with open_transaction_as(api_connection, caller, act="referral.match"):
            tokens = list(range(2**12, 2**13))
            found = await api_connection.fetch(
                "SELECT * FROM access.possible_duplicates($1, $2, $2)",
                referral_id,
                [token << 6 for token in tokens],
            )
            assert bool(found) is is_permitted
            profiles = await api_connection.fetch(
                "SELECT * FROM access.duplicate_profiles($1, '{}', $2)", referral_id, [referral_id]
            )
            assert bool(profiles) is is_permitted

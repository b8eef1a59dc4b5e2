"""Invalid values in every field of a referral are reported by pointer, and are not repeated in the response."""

import copy
import json
from collections.abc import Iterator
from itertools import cycle
from string import ascii_lowercase
from typing import Any

import httpx
import pytest

from app.schemas.referrals import EXACT_PATHS, REQUIRED_PATHS, ReferralCreate
from tests.support.json_paths import Path, changed, get_parent, paths, pointer
from tests.support.referrals import FULL_REFERRAL_PAYLOAD, LEAK_CANARY, SAMPLE_DATE
from tests.support.scenario import AuthenticatedClient, Scenario

BIRTH_FORMS = (("date", "precision"), ("estimated_age", "estimated_on"))
ESTIMATED = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
ESTIMATED["child"]["birth"] = {"estimated_age": 9, "estimated_on": SAMPLE_DATE}
ESTIMATED_RANGE = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
ESTIMATED_RANGE["child"]["birth"] = {
    "estimated_age_min": 8,
    "estimated_age_max": 12,
    "estimated_on": SAMPLE_DATE,
}
NEVER_SOFT = REQUIRED_PATHS | EXACT_PATHS
NOT_PATCHED = {"id", "external_id", "source"}
TRICKY = (
    "'; DROP TABLE referrals; --", "../../../../etc/passwd", "%00%2e%2e%2f", "{{7*7}}${7*7}", "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "\\u0000 \\ \" ' `", "null", "🧒🏽 👩‍👧 ក្មេង\u200bស្រី", "\u202egnp.exe\u202c", "e\u0301", "\uffff\U0010ffff",
    "-1", "NaN", "٣", "x" * 200, "line one\r\n\tline two",
)  # fmt: skip

LEAVES = [(path, value) for path, value in paths(FULL_REFERRAL_PAYLOAD) if not isinstance(value, dict | list)]
CONTAINERS = [(path, value) for path, value in paths(FULL_REFERRAL_PAYLOAD) if isinstance(value, dict | list)]
FREE = [path for path, value in LEAVES if str(value).startswith("sample")]
DAYS = [path for path, value in LEAVES if value in {SAMPLE_DATE, "2015-05-04"}]
TRUTHS = [path for path, value in LEAVES if value is True]
TEXTS = [path for path, value in LEAVES if isinstance(value, str)]


def patch_of(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in NOT_PATCHED}


class Target:
    """Sends a body as a new referral and as a change of one."""

    def __init__(self, partner: AuthenticatedClient, path: str) -> None:
        self.partner = partner
        self.path = path
        self.sent = 0

    async def post(self, document: dict[str, Any]) -> httpx.Response:
        self.sent += 1
        fresh = {"id": f"00000000-0000-4000-8000-{self.sent:012}", "external_id": f"fresh {self.sent}"}
        same = {
            name: value for name, value in fresh.items() if document.get(name) == FULL_REFERRAL_PAYLOAD[name]
        }
        return await self.partner.post("/v1/referrals", {**document, **same})

    async def patch(self, document: dict[str, Any]) -> httpx.Response:
        return await self.partner.patch(self.path, patch_of(document), etag='"1"')

    async def rejected(self, document: dict[str, Any], *expected: Path) -> None:
        """Assert that both responses report every invalid field and repeat no value."""
        pointers = {pointer(path) for path in expected}
        response = await self.post(document)
        assert rejection(response) >= pointers, pointers - rejection(response)
        await self.rejected_change(document, *expected)

    async def rejected_change(self, document: dict[str, Any], *expected: Path) -> None:
        """Assert that a change is refused, and reports every invalid field and repeats no value."""
        pointers = {pointer(path) for path in expected if path[0] not in NOT_PATCHED}
        response = await self.patch(document)
        assert rejection(response) >= pointers, pointers - rejection(response)

    async def warned(self, document: dict[str, Any], *expected: Path) -> None:
        """Assert that a new referral has a warning for every imperfect field, and that a change is refused."""
        created = await self.post(document)
        assert created.status_code == 201, created.text[:300]
        assert "Canary" not in created.text
        assert "9271" not in created.text.replace(created.json()["id"], "")
        pointers = {warning["pointer"] for warning in created.json()["warnings"]}
        assert pointers >= {pointer(path) for path in expected}
        await self.rejected_change(document, *expected)


def rejection(response: httpx.Response) -> set[str]:
    """Return the pointers of a 422 that repeats no value of the request."""
    assert response.status_code == 422, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert "Canary" not in response.text
    assert "9271" not in response.text.replace(response.json()["request_id"], "").replace(
        response.json()["instance"], ""
    )
    assert len(response.content) < 40_000
    return {fault["pointer"] for fault in response.json()["errors"]}


@pytest.fixture
async def target(scenario: Scenario) -> Target:
    created = await scenario.partner_one.post("/v1/referrals", {**FULL_REFERRAL_PAYLOAD, "id": None})
    assert created.status_code == 201, created.text
    return Target(scenario.partner_one, created.headers["location"])


def test_full_example_has_every_field() -> None:
    schema = ReferralCreate.model_json_schema()

    def walk(node: Any, path: Path = ()) -> Iterator[Path]:
        if reference := node.get("$ref"):
            node = schema["$defs"][reference.split("/")[-1]]
        for name, inner in node.get("properties", {}).items():
            yield (*path, name)
            yield from walk(inner, (*path, name))
        for choice in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
            yield from walk(choice, path)

    expected_paths = {
        tuple(s for s in path if isinstance(s, str))
        for example in (FULL_REFERRAL_PAYLOAD, ESTIMATED, ESTIMATED_RANGE)
        for path, _ in paths(example)
    }
    assert set(walk(schema)) <= expected_paths
    assert len(LEAVES) > 50


async def test_omitted_or_null_field_is_accepted_or_reported(scenario: Scenario, target: Target) -> None:
    optional: list[Path] = []
    for path, value in paths(FULL_REFERRAL_PAYLOAD):
        response = await target.post(changed(None, path))
        if response.status_code == 201:
            optional.append(path)
            continue
        assert_about(path, rejection(response))
        if isinstance(path[-1], str) and value not in ([], {}):
            without = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
            del get_parent(without, path)[path[-1]]
            response = await target.post(without)
            assert response.status_code == 201 or assert_about(path, rejection(response))
    assert len(optional) > 30
    least = {
        "external_id": "least",
        "urgency": "urgent",
        "concern": {"kind": "suspected", "summary": "sample"},
        "child": {"nickname": "sample", "birth": FULL_REFERRAL_PAYLOAD["child"]["birth"]},
        "consent": {"given_by": ["child"], "method": "oral", "on": SAMPLE_DATE, "scope": ["services"]},
    }
    assert (await target.post(least)).status_code == 201
    assert (await scenario.supervisor_north.get("/v1/referrals?limit=200")).status_code == 200


def assert_about(path: Path, pointers: set[str]) -> bool:
    """Return whether the field, or the object whose rule it violates, is reported."""
    assert pointers
    for fault_pointer in pointers:
        assert pointer(path).startswith(fault_pointer) or fault_pointer.startswith(pointer(path)), (
            path,
            fault_pointer,
        )
    return True


async def test_wrong_values_in_all_fields_at_once_are_accepted_and_kept(
    scenario: Scenario, target: Target
) -> None:
    everywhere = [path for path, _ in LEAVES if path not in NEVER_SOFT and path != ("child", "nickname")]
    for wrong in (92719271, 9271.5, True, LEAK_CANARY * 500, [LEAK_CANARY], {LEAK_CANARY: LEAK_CANARY}, {}):
        document = changed(wrong, *everywhere)
        created = await target.post(document)
        assert created.status_code == 201, created.text[:300]
        assert "Canary" not in created.text
        assert len({warning["pointer"] for warning in created.json()["warnings"]}) > 20
        staff_view = (await scenario.supervisor_north.get(created.headers["location"])).json()
        sent = wrong if isinstance(wrong, str) else json.dumps(wrong)
        assert sent in {item["value"] for item in staff_view["unread_values"]}


async def test_wrong_types_are_reported_for_every_field_of_a_change(target: Target) -> None:
    everywhere = [path for path, _ in LEAVES]
    others: list[Any] = [92719271, 9271.5, [LEAK_CANARY], {LEAK_CANARY: LEAK_CANARY}, [], {}]
    for other in others:
        await target.rejected_change(changed(other, *everywhere), *everywhere)
    await target.rejected_change(changed(True, *TEXTS), *TEXTS)
    for truth in ("yes", "true", 1, 0, "1", LEAK_CANARY):
        await target.rejected_change(changed(truth, *TRUTHS), *TRUTHS)
    age: Path = ("child", "birth", "estimated_age")
    for years in ("7", 7.5, True, LEAK_CANARY, -1, 121, 2**53):
        await target.warned(changed(years, age, full=ESTIMATED), age)


async def test_invalid_dates_are_warnings_of_a_new_referral(target: Target) -> None:
    for value in (
        *(1_772_323_200, 1.5, True),
        *("1772323200", "2026-03-01T00:00:00Z", "2026-03-01 ", "2026-3-1", "20260301", "01/03/2026"),
        *("0000-00-00", "0000-01-01", "2026-02-29", "2026-13-01", "2026-04-31", "10000-01-01", "-2026-03-01"),
        *("២០២៦-០៣-០១", "2026-W09-7", "today", LEAK_CANARY),
    ):  # fmt: skip
        await target.warned(changed(value, *DAYS), *DAYS)
    born: Path = ("child", "birth")
    for value in ("9999-12-31", "1899-12-31", "0001-01-01"):
        await target.warned(changed({"date": value, "precision": "day"}, born), (*born, "date"))
    legal = {"date": "2016-02-29", "precision": "year"}
    accepted = changed(legal, born)
    accepted["concern"]["occurred_on"] = accepted["consent"]["on"] = "2000-01-01"
    assert (await target.post(accepted)).status_code == 201
    happened: list[Path] = [("concern", "occurred_on"), ("consent", "on")]
    for value in ("9999-12-31", "2569-01-01", "1979-12-31"):
        await target.warned(changed(value, *happened), *happened)


async def test_objects_and_lists_are_not_interchangeable_in_a_change(target: Target) -> None:
    for depth in range(1, 4):  # One depth at a time: replacing an object also replaces its fields.
        places = [path for path, _ in CONTAINERS if len(path) == depth]
        lists = [path for path, value in CONTAINERS if len(path) == depth and isinstance(value, list)]
        objects = [path for path in places if path not in lists]
        wrongs: list[tuple[Any, list[Path]]] = [
            ({LEAK_CANARY: LEAK_CANARY}, lists),
            ([{LEAK_CANARY: LEAK_CANARY}], objects),
        ]
        for wrong, spots in (*wrongs, (LEAK_CANARY, places), (9271, places), (True, places)):
            if spots:
                await target.rejected_change(changed(wrong, *spots), *spots)
    assert {len(path) for path, _ in CONTAINERS} == {1, 2, 3}
    for body in ([FULL_REFERRAL_PAYLOAD], [], LEAK_CANARY, 9271, None, True):
        assert rejection(await target.partner.post("/v1/referrals", body)) == {""}
    many = changed([{"title": LEAK_CANARY}] * 21, ("documents",))
    await target.warned(many, ("documents",))


async def test_unknown_fields_are_warnings_of_a_new_referral(target: Target) -> None:
    objects: list[Path] = [(), *(path for path, value in CONTAINERS if isinstance(value, dict))]
    objects.remove(("child", "disability", "difficulties"))
    document = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
    for path in objects:
        get_parent(document, (*path, "x"))["surprise"] = LEAK_CANARY
    await target.warned(document, *((*path, "surprise") for path in objects))
    # The response does not echo keys that are not identifiers.
    for key in (LEAK_CANARY, "", "x" * 10_000, "ឈ្មោះ", "a b"):
        created = await target.post({**FULL_REFERRAL_PAYLOAD, key: LEAK_CANARY})
        assert created.status_code == 201
        assert "Canary" not in created.text
        assert [warning["pointer"] for warning in created.json()["warnings"]] == [""]
        assert rejection(await target.patch({"child": {}, key: LEAK_CANARY})) == {""}
    letters = ascii_lowercase[:20]
    surprises = {f"surprise_{letter}{other}": 1 for letter in letters for other in letters}
    assert len(rejection(await target.post({**FULL_REFERRAL_PAYLOAD, **surprises}))) == 100
    difficulties: Path = ("child", "disability", "difficulties")
    await target.warned(changed({LEAK_CANARY: "some"}, difficulties), difficulties)


async def test_texts_have_a_maximum_length_and_are_not_blank(target: Target) -> None:
    huge = LEAK_CANARY * 10_000
    for start in range(0, len(TEXTS), 9):
        some = TEXTS[start : start + 9]
        await target.rejected_change(changed(huge, *some), *some)
    for blank in ("", " ", "\u200b\n\u00a0\ufeff"):
        await target.rejected(changed(blank, *TEXTS), ("urgency",), ("concern", "summary"))
        await target.rejected_change(changed(blank, *TEXTS), *TEXTS)
    named = [path for path in FREE if path[-1] in {"family", "given", "nickname"}]
    of_child = [path for path in named if path[0] == "child"]
    family: Path = ("caregiver", "names", 0, "family")
    await target.warned(changed("\ufb2c" * 200, *named), *of_child)
    await target.warned(changed("\ufb2c" * 200, family), family)
    for invisible in ("\u2060", "\u00ad", "\u17b5", "\u2003", "\u0001", "\u3164"):
        assert rejection(await target.post(changed(invisible, *named))) == {"/child"}
        await target.rejected_change(changed(invisible, *named), *of_child)
        without_caregiver_name = changed(invisible, *(path for path in named if path[0] == "caregiver"))
        assert (await target.post(without_caregiver_name)).status_code == 201
        await target.rejected_change(without_caregiver_name, family)


async def test_hostile_text_is_stored_unchanged(scenario: Scenario, target: Target) -> None:
    named = [path for path in FREE if path[-1] in {"family", "given", "nickname", "external_id"}]
    free = [path for path in FREE if path not in named]
    # One caller may compare ten referrals a day.
    readers = cycle([scenario.supervisor_north, scenario.supervisor_south, scenario.manager])
    for words in TRICKY:
        document = changed(words, *free)
        created = await target.post(document)
        assert created.status_code == 201, (words, created.text)
        read = (await scenario.supervisor_north.get(created.headers["location"])).json()
        assert [get_parent(read, path)[path[-1]] for path in free] == [words] * len(free)
        as_name = await target.post(changed(words, *(path for path in named if path != ("external_id",))))
        assert as_name.status_code == 201, (words, as_name.text)
        stored_child = (await scenario.supervisor_north.get(as_name.headers["location"])).json()["child"]
        assert stored_child["names"][0]["family"] == stored_child["nickname"]
        assert stored_child["nickname"]
        again = await next(readers).get(f"{as_name.headers['location']}/matches")
        assert again.status_code == 200
    assert (await scenario.supervisor_north.get("/v1/referrals?limit=200")).status_code == 200

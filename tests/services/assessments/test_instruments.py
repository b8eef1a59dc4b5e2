"""Questionnaires: kept by administrators as data, answered in assessments, scored by us."""

import asyncio
import copy
from typing import Any

from tests.support.case_lifecycle import (
    INITIAL_ASSESSMENT_PAYLOAD,
    assessment_payload,
    create_approved_assessment,
    create_assessed_case,
    create_assessment_draft,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import Scenario

WEEK = {
    "slept_well": 3, "worried": 1, "laughed": 2, "startled": 0,
    "with_friends": 3, "alone": 3, "somebody_to_tell": 0, "safe_at_home": 0,
}  # fmt: skip
"""Counted, with reversed items turned: 0 1 1 0 and 0 3 3 3."""


def words(text: str) -> dict[str, str]:
    return {"en": text, "km": "ខ្មែរ"}


def item(name: str, *values: int, is_reversed: bool = False) -> dict[str, Any]:
    options = [{"value": value, "label": words(f"Option {value}")} for value in values]
    return {"id": name, "text": words(f"About {name}."), "options": options, "reversed": is_reversed}


def band(code: str, at_least: float) -> dict[str, Any]:
    return {"code": code, "at_least": at_least, "label": words(code)}


def definition(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "title": words("Mood"),
        "rule": "mean",
        "items": [item("joy", 1, 2, 3, is_reversed=True), item("fear", 1, 2, 3), item("rest", 0, 10)],
        "bands": [band("low", 0), band("high", 2.33)],
        "subscales": [
            {"code": "inner", "title": words("Inner"), "rule": "sum", "items": ["joy", "fear"], "bands": []}
        ],
    }
    return {**whole, **changes}


async def introduced(scenario: Scenario, code: str = "mood", **changes: Any) -> dict[str, Any]:
    told = {"code": code, "definition": definition(**changes)}
    return expect_json(await scenario.admin.post("/v1/instruments", told), 201)


async def test_a_new_installation_has_an_invented_one_that_can_be_used(scenario: Scenario) -> None:
    [shipped] = expect_json(await scenario.worker_north.get("/v1/instruments"))["items"]
    assert (shipped["code"], shipped["edition"], shipped["is_active"]) == ("my_week", 1, True)
    found = expect_json(await scenario.worker_north.get(f"/v1/instruments/{shipped['id']}"))
    assert all(text["en"] and text["km"] for one in found["definition"]["items"] for text in [one["text"]])
    again = {"code": "my_week_2", "definition": found["definition"]}
    assert (
        expect_json(await scenario.admin.post("/v1/instruments", again), 201)["definition"]
        == found["definition"]
    )


async def test_answers_are_scored_here_and_nobody_sends_a_score(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    some = dict(list(WEEK.items())[:4])
    begun = expect_json(await worker.patch(path, {"instruments": {"my_week": some}}, etag='"1"'))
    result = begun["instruments"]["my_week"]
    assert (result["answers"], result["missing"]) == (some, list(WEEK)[4:])
    assert (result["score"], result["band"]) == (None, None)
    feelings, people = result["subscales"]
    assert (feelings["code"], feelings["score"], feelings["band"]["code"]) == ("feelings", 2, "settled")
    assert (people["code"], people["score"], people["band"]) == ("people", None, None)

    rest = {"instruments": {"my_week": {name: WEEK[name] for name in list(WEEK)[4:]}}}
    result = expect_json(await worker.patch(path, rest, etag='"2"'))["instruments"]["my_week"]
    assert (result["answers"], result["missing"]) == (WEEK, [])
    assert (result["score"], result["band"]["code"]) == (11, "some_strain")
    assert result["band"]["label"]["km"]
    assert [(one["score"], one["band"]["code"]) for one in result["subscales"]] == [
        (2, "settled"),
        (9, "strain"),
    ]
    fewer = expect_json(await worker.patch(path, {"instruments": {"my_week": {"alone": None}}}, etag='"3"'))
    assert (fewer["instruments"]["my_week"]["missing"], fewer["instruments"]["my_week"]["score"]) == (
        ["alone"],
        None,
    )
    for wrong, fault in (
        ({"my_week": {"alone": 4}}, ("/instruments/my_week/alone", "option_unknown")),
        ({"my_week": {"no_such_item": 1}}, ("/instruments/my_week", "item_unknown")),
        ({"my_week": {"alone": 1.5}}, ("/instruments/my_week/alone", "int_type")),
        ({"my_week": {"alone": True}}, ("/instruments/my_week/alone", "int_type")),
        ({"my_week": 11}, ("/instruments/my_week", "dict_type")),
        ({"others": {"alone": 1}}, ("/instruments", "instrument_unknown")),
    ):
        assert fault in parse_faults(await worker.patch(path, {"instruments": wrong}, etag='"4"')), wrong
    gone = expect_json(await worker.patch(path, {"instruments": {"my_week": None}}, etag='"4"'))
    assert gone["instruments"] == {}


async def test_a_half_answered_one_holds_a_submission_up(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(
        scenario, {**assessment_payload(), "instruments": {"my_week": {"alone": 1}}}
    )
    worker = scenario.worker_north
    refused = await worker.act(path, "submit")
    assert parse_unmet_conditions(refused) == {("/instruments/my_week", "instrument_incomplete")}
    expect_json(await worker.patch(path, {"instruments": {"my_week": WEEK}}, etag='"2"'))
    assert expect_json(await worker.act(path, "submit"))["instruments"]["my_week"]["score"] == 11


async def test_means_are_rounded_to_two_places_and_the_score_shown_decides_the_band(
    scenario: Scenario,
) -> None:
    await introduced(scenario)
    _, path = await create_assessment_draft(scenario)
    for version, (answers, score, reached, inner) in enumerate(
        [
            ({"joy": 3, "fear": 1, "rest": 0}, 0.67, "low", 2),
            ({"joy": 1, "fear": 3, "rest": 0}, 2.0, "low", 6),
            ({"joy": 1, "fear": 3, "rest": 10}, 5.33, "high", 6),
        ],
        start=1,
    ):
        piece = {"instruments": {"mood": answers}}
        answer = expect_json(await scenario.worker_north.patch(path, piece, etag=f'"{version}"'))
        result = answer["instruments"]["mood"]
        assert (result["score"], result["band"]["code"]) == (score, reached)
        assert result["subscales"][0]["score"] == inner
        assert result["subscales"][0]["band"] is None
    exact = definition(items=[item(name, 2, 3) for name in ("a", "b", "c")])  # 7 / 3 is shown as 2.33
    told = {
        "code": "exact",
        "definition": {**exact, "subscales": [], "bands": [band("x", 2), band("y", 2.33)]},
    }
    expect_json(await scenario.admin.post("/v1/instruments", told), 201)
    piece = {"instruments": {"exact": {"a": 2, "b": 2, "c": 3}}}
    result = expect_json(await scenario.worker_north.patch(path, piece, etag='"4"'))["instruments"]["exact"]
    assert (result["score"], result["band"]["code"]) == (2.33, "y")


async def test_a_definition_must_make_sense_and_every_fault_is_pointed_at(scenario: Scenario) -> None:
    here = "/definition"
    subscale = definition()["subscales"][0]
    for changes, expected in (
        ({"items": [item("a", 1, 3), item("a", 1, 3)]}, {(f"{here}/items/1/id", "repeated")}),
        ({"items": [item("a", 3, 3)]}, {(f"{here}/items/0/options/1/value", "repeated")}),
        ({"bands": [band("low", 0.7)]}, {(f"{here}/bands/0/at_least", "gap_below")}),
        ({"bands": [band("low", 0), band("x", 0)]}, {(f"{here}/bands/1/at_least", "not_rising")}),
        ({"bands": [band("low", 0), band("x", 9)]}, {(f"{here}/bands/1/at_least", "unreachable")}),
        ({"bands": [band("x", 0), band("x", 2)]}, {(f"{here}/bands/1/code", "repeated")}),
        (
            {"subscales": [{**subscale, "items": ["sleep"]}]},
            {(f"{here}/subscales/0/items/0", "item_unknown")},
        ),
        (
            {"subscales": [{**subscale, "bands": [band("x", 3)]}]},
            {(f"{here}/subscales/0/bands/0/at_least", "gap_below")},
        ),
        ({"subscales": [subscale, subscale]}, {(f"{here}/subscales/1/code", "repeated")}),
        (
            {"subscales": [{**subscale, "items": ["joy", "joy"]}]},
            {(f"{here}/subscales/0/items/1", "repeated")},
        ),
        ({"items": []}, {(f"{here}/items", "too_short")}),
        ({"items": [item("a", 1)]}, {(f"{here}/items/0/options", "too_short")}),
        ({"items": [item("__import__", 1, 2)]}, {(f"{here}/items/0/id", "string_pattern_mismatch")}),
        ({"rule": "eval"}, {(f"{here}/rule", "literal_error")}),
        ({"bands": [band("low", 0.001)]}, {(f"{here}/bands/0/at_least", "too_precise")}),
        ({"bands": [band("low", True)]}, {(f"{here}/bands/0/at_least", "float_type")}),
        ({"title": {"en": "Mood"}}, {(f"{here}/title/km", "missing")}),
        ({"formula": "joy * 2"}, {(f"{here}/formula", "extra_forbidden")}),
    ):
        whole = definition(**{"subscales": [], **changes})
        answer = await scenario.admin.post("/v1/instruments", {"code": "mood", "definition": whole})
        assert parse_faults(answer) == expected, changes
    no_code = {"code": "Mood!", "definition": definition()}
    assert parse_faults(await scenario.admin.post("/v1/instruments", no_code)) == {
        ("/code", "string_pattern_mismatch")
    }
    assert len(expect_json(await scenario.admin.get("/v1/instruments"))["items"]) == 1


async def test_an_edition_never_changes_and_the_next_takes_its_place(scenario: Scenario) -> None:
    first = await introduced(scenario)
    path = f"/v1/instruments/{first['id']}"
    for wrong in ({"definition": definition()}, {"edition": 2}, {"code": "other"}):
        [(_, code)] = parse_faults(await scenario.admin.patch(path, wrong, etag='"1"'))
        assert code == "extra_forbidden"
    _, draft = await create_assessment_draft(scenario)
    begun = await scenario.worker_north.patch(draft, {"instruments": {"mood": {"joy": 2}}}, etag='"1"')
    second = await introduced(scenario, items=[item("sorrow", 0, 1, 2, 3)], subscales=[])
    assert (second["edition"], second["is_active"]) == (2, True)
    assert expect_json(await scenario.admin.get(path))["is_active"] is False

    assert expect_json(begun)["instruments"]["mood"]["edition"] == 1
    more = {"instruments": {"mood": {"fear": 2, "rest": 0}}}
    kept = expect_json(await scenario.worker_north.patch(draft, more, etag='"2"'))["instruments"]["mood"]
    assert (kept["edition"], kept["missing"]) == (1, [])
    expect_json(await scenario.worker_north.patch(draft, {"instruments": {"mood": None}}, etag='"3"'))
    anew = {"instruments": {"mood": {"sorrow": 2}}}
    result = expect_json(await scenario.worker_north.patch(draft, anew, etag='"4"'))["instruments"]["mood"]
    assert (result["edition"], result["instrument_id"]) == (2, second["id"])

    back = await scenario.admin.patch(path, {"is_active": True}, etag='"2"')
    assert parse_unmet_conditions(back) == {("/is_active", "replaced")}
    expect_json(
        await scenario.admin.patch(f"/v1/instruments/{second['id']}", {"is_active": False}, etag='"1"')
    )
    unused = await create_assessment_draft(scenario)
    refused = await scenario.worker_north.patch(unused[1], anew, etag='"1"')
    assert parse_faults(refused) == {("/instruments", "instrument_unknown")}
    expect_json(await scenario.admin.patch(path, {"is_active": True}, etag='"2"'))
    in_use = expect_json(
        await scenario.admin.get("/v1/instruments", params={"code": "mood", "is_active": "true"})
    )
    assert [found["edition"] for found in in_use["items"]] == [1]


async def test_two_editions_at_once_are_one_and_a_clear_conflict(scenario: Scenario) -> None:
    told = {"code": "mood", "definition": definition()}
    answers = await asyncio.gather(*(scenario.admin.post("/v1/instruments", told) for _ in range(4)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    listed = expect_json(await scenario.admin.get("/v1/instruments", params={"code": "mood"}))["items"]
    assert sorted(one["edition"] for one in listed) == list(range(1, len(made) + 1))
    assert [one["edition"] for one in listed if one["is_active"]] == [len(made)]


async def test_administrators_keep_them_and_casework_reads_them(scenario: Scenario) -> None:
    made = await introduced(scenario)
    path = f"/v1/instruments/{made['id']}"
    for name in ("worker_north", "supervisor_north", "manager"):
        assert expect_json(await scenario.client_for(name).get(path)) == made
        assert (await scenario.client_for(name).post("/v1/instruments", {})).status_code == 403
        assert (
            await scenario.client_for(name).patch(path, {"is_active": False}, etag='"1"')
        ).status_code == 403
    for name in ("finance", "me_officer", "dpo", "partner_one", "reporting"):
        assert (await scenario.client_for(name).get(path)).status_code == 403
    assert (await scenario.admin.patch(path, {"is_active": False})).status_code == 428
    assert (
        expect_json(await scenario.admin.patch(path, {"is_active": False}, etag='"1"'))["is_active"] is False
    )
    assert (await scenario.admin.patch(path, {"is_active": True}, etag='"1"')).status_code == 412


async def test_a_reassessment_compares_scores_of_the_same_edition_only(scenario: Scenario) -> None:
    await introduced(scenario)
    mood = {"joy": 1, "fear": 3, "rest": 10}
    case, _ = await create_assessed_case(scenario, instruments={"my_week": WEEK, "mood": mood})
    better = {**copy.deepcopy(WEEK), "alone": 0, "safe_at_home": 3}
    await introduced(scenario)
    second = await create_approved_assessment(
        scenario, case, kind="reassessment", instruments={"my_week": better, "mood": mood}
    )
    changes = expect_json(await scenario.worker_north.get(f"/v1/assessments/{second['id']}/changes"))
    found = {one["code"]: one for one in changes["instruments"]}
    week = found["my_week"]
    assert (week["before"]["score"], week["after"]["score"], week["change"]) == (11, 5, -6)
    assert (week["before"]["band"]["code"], week["after"]["band"]["code"]) == ("some_strain", "settled")
    assert (found["mood"]["before"]["edition"], found["mood"]["after"]["edition"]) == (1, 2)
    assert found["mood"]["change"] is None
    path = f"/v1/cases/{case['id']}/assessments"
    third = expect_json(
        await scenario.worker_north.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "kind": "reassessment"}), 201
    )
    changes = expect_json(await scenario.worker_north.get(f"/v1/assessments/{third['id']}/changes"))
    assert {(one["code"], one["after"]) for one in changes["instruments"]} == {
        ("my_week", None),
        ("mood", None),
    }

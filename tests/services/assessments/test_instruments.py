"""Administration, editions and scoring of questionnaires."""

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

MY_WEEK_ANSWERS = {
    "slept_well": 3, "worried": 1, "laughed": 2, "startled": 0,
    "with_friends": 3, "alone": 3, "somebody_to_tell": 0, "safe_at_home": 0,
}  # fmt: skip
"""Answers to the sample questionnaire. After reversal, the item scores are 0 1 1 0 and 0 3 3 3."""


def localized_text(text: str) -> dict[str, str]:
    return {"en": text, "km": "ខ្មែរ"}


def build_item(item_id: str, *values: int, is_reversed: bool = False) -> dict[str, Any]:
    options = [{"value": value, "label": localized_text(f"Option {value}")} for value in values]
    return {
        "id": item_id,
        "text": localized_text(f"About {item_id}."),
        "options": options,
        "reversed": is_reversed,
    }


def build_band(code: str, at_least: float) -> dict[str, Any]:
    return {"code": code, "at_least": at_least, "label": localized_text(code)}


def build_definition(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "title": localized_text("Mood"),
        "rule": "mean",
        "items": [
            build_item("joy", 1, 2, 3, is_reversed=True),
            build_item("fear", 1, 2, 3),
            build_item("rest", 0, 10),
        ],
        "bands": [build_band("low", 0), build_band("high", 2.33)],
        "subscales": [
            {
                "code": "inner",
                "title": localized_text("Inner"),
                "rule": "sum",
                "items": ["joy", "fear"],
                "bands": [],
            }
        ],
    }
    return {**document, **changes}


async def create_instrument(scenario: Scenario, code: str = "mood", **changes: Any) -> dict[str, Any]:
    payload = {"code": code, "definition": build_definition(**changes)}
    return expect_json(await scenario.admin.post("/v1/instruments", payload), 201)


async def test_new_installation_contains_an_active_sample_questionnaire(scenario: Scenario) -> None:
    [summary] = expect_json(await scenario.worker_north.get("/v1/instruments"))["items"]
    assert (summary["code"], summary["edition"], summary["is_active"]) == ("my_week", 1, True)
    instrument = expect_json(await scenario.worker_north.get(f"/v1/instruments/{summary['id']}"))
    assert all(
        text["en"] and text["km"] for item in instrument["definition"]["items"] for text in [item["text"]]
    )
    payload = {"code": "my_week_2", "definition": instrument["definition"]}
    assert (
        expect_json(await scenario.admin.post("/v1/instruments", payload), 201)["definition"]
        == instrument["definition"]
    )


async def test_server_scores_the_answers_to_a_questionnaire(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(scenario)
    worker = scenario.worker_north
    first_answers = dict(list(MY_WEEK_ANSWERS.items())[:4])
    assessment = expect_json(
        await worker.patch(path, {"instruments": {"my_week": first_answers}}, etag='"1"')
    )
    result = assessment["instruments"]["my_week"]
    assert (result["answers"], result["missing"]) == (first_answers, list(MY_WEEK_ANSWERS)[4:])
    assert (result["score"], result["band"]) == (None, None)
    feelings, relationships = result["subscales"]
    assert (feelings["code"], feelings["score"], feelings["band"]["code"]) == ("feelings", 2, "settled")
    assert (relationships["code"], relationships["score"], relationships["band"]) == ("people", None, None)

    patch = {"instruments": {"my_week": {name: MY_WEEK_ANSWERS[name] for name in list(MY_WEEK_ANSWERS)[4:]}}}
    result = expect_json(await worker.patch(path, patch, etag='"2"'))["instruments"]["my_week"]
    assert (result["answers"], result["missing"]) == (MY_WEEK_ANSWERS, [])
    assert (result["score"], result["band"]["code"]) == (11, "some_strain")
    assert result["band"]["label"]["km"]
    assert [(subscale["score"], subscale["band"]["code"]) for subscale in result["subscales"]] == [
        (2, "settled"),
        (9, "strain"),
    ]
    reduced = expect_json(await worker.patch(path, {"instruments": {"my_week": {"alone": None}}}, etag='"3"'))
    assert (reduced["instruments"]["my_week"]["missing"], reduced["instruments"]["my_week"]["score"]) == (
        ["alone"],
        None,
    )
    for invalid_answers, fault in (
        ({"my_week": {"alone": 4}}, ("/instruments/my_week/alone", "option_unknown")),
        ({"my_week": {"no_such_item": 1}}, ("/instruments/my_week", "item_unknown")),
        ({"my_week": {"alone": 1.5}}, ("/instruments/my_week/alone", "int_type")),
        ({"my_week": {"alone": True}}, ("/instruments/my_week/alone", "int_type")),
        ({"my_week": 11}, ("/instruments/my_week", "dict_type")),
        ({"others": {"alone": 1}}, ("/instruments/others", "instrument_unknown")),
    ):
        assert fault in parse_faults(
            await worker.patch(path, {"instruments": invalid_answers}, etag='"4"')
        ), invalid_answers
    cleared = expect_json(await worker.patch(path, {"instruments": {"my_week": None}}, etag='"4"'))
    assert cleared["instruments"] == {}


async def test_incomplete_questionnaire_blocks_the_submission(scenario: Scenario) -> None:
    _, path = await create_assessment_draft(
        scenario, {**assessment_payload(), "instruments": {"my_week": {"alone": 1}}}
    )
    worker = scenario.worker_north
    response = await worker.act(path, "submit")
    assert parse_unmet_conditions(response) == {("/instruments/my_week", "instrument_incomplete")}
    expect_json(await worker.patch(path, {"instruments": {"my_week": MY_WEEK_ANSWERS}}, etag='"2"'))
    assert expect_json(await worker.act(path, "submit"))["instruments"]["my_week"]["score"] == 11


async def test_mean_score_is_rounded_before_its_band_is_determined(
    scenario: Scenario,
) -> None:
    await create_instrument(scenario)
    _, path = await create_assessment_draft(scenario)
    for version, (answers, score, band_code, subscale_score) in enumerate(
        [
            ({"joy": 3, "fear": 1, "rest": 0}, 0.67, "low", 2),
            ({"joy": 1, "fear": 3, "rest": 0}, 2.0, "low", 6),
            ({"joy": 1, "fear": 3, "rest": 10}, 5.33, "high", 6),
        ],
        start=1,
    ):
        patch = {"instruments": {"mood": answers}}
        assessment = expect_json(await scenario.worker_north.patch(path, patch, etag=f'"{version}"'))
        result = assessment["instruments"]["mood"]
        assert (result["score"], result["band"]["code"]) == (score, band_code)
        assert result["subscales"][0]["score"] == subscale_score
        assert result["subscales"][0]["band"] is None
    # The mean 7 / 3 is rounded to 2.33, the threshold of the upper band.
    exact_definition = build_definition(items=[build_item(name, 2, 3) for name in ("a", "b", "c")])
    payload = {
        "code": "exact",
        "definition": {
            **exact_definition,
            "subscales": [],
            "bands": [build_band("x", 2), build_band("y", 2.33)],
        },
    }
    expect_json(await scenario.admin.post("/v1/instruments", payload), 201)
    patch = {"instruments": {"exact": {"a": 2, "b": 2, "c": 3}}}
    result = expect_json(await scenario.worker_north.patch(path, patch, etag='"4"'))["instruments"]["exact"]
    assert (result["score"], result["band"]["code"]) == (2.33, "y")


async def test_invalid_definition_is_rejected_with_a_pointer_to_each_fault(scenario: Scenario) -> None:
    pointer = "/definition"
    subscale = build_definition()["subscales"][0]
    for changes, expected in (
        ({"items": [build_item("a", 1, 3), build_item("a", 1, 3)]}, {(f"{pointer}/items/1/id", "repeated")}),
        ({"items": [build_item("a", 3, 3)]}, {(f"{pointer}/items/0/options/1/value", "repeated")}),
        ({"bands": [build_band("low", 0.7)]}, {(f"{pointer}/bands/0/at_least", "gap_below")}),
        (
            {"bands": [build_band("low", 0), build_band("x", 0)]},
            {(f"{pointer}/bands/1/at_least", "not_rising")},
        ),
        (
            {"bands": [build_band("low", 0), build_band("x", 9)]},
            {(f"{pointer}/bands/1/at_least", "unreachable")},
        ),
        ({"bands": [build_band("x", 0), build_band("x", 2)]}, {(f"{pointer}/bands/1/code", "repeated")}),
        (
            {"subscales": [{**subscale, "items": ["sleep"]}]},
            {(f"{pointer}/subscales/0/items/0", "item_unknown")},
        ),
        (
            {"subscales": [{**subscale, "bands": [build_band("x", 3)]}]},
            {(f"{pointer}/subscales/0/bands/0/at_least", "gap_below")},
        ),
        ({"subscales": [subscale, subscale]}, {(f"{pointer}/subscales/1/code", "repeated")}),
        (
            {"subscales": [{**subscale, "items": ["joy", "joy"]}]},
            {(f"{pointer}/subscales/0/items/1", "repeated")},
        ),
        ({"items": []}, {(f"{pointer}/items", "too_short")}),
        ({"items": [build_item("a", 1)]}, {(f"{pointer}/items/0/options", "too_short")}),
        ({"items": [build_item("__import__", 1, 2)]}, {(f"{pointer}/items/0/id", "string_pattern_mismatch")}),
        ({"rule": "eval"}, {(f"{pointer}/rule", "literal_error")}),
        ({"bands": [build_band("low", 0.001)]}, {(f"{pointer}/bands/0/at_least", "too_precise")}),
        ({"bands": [build_band("low", True)]}, {(f"{pointer}/bands/0/at_least", "float_type")}),
        ({"title": {"en": "Mood"}}, {(f"{pointer}/title/km", "missing")}),
        ({"formula": "joy * 2"}, {(f"{pointer}/formula", "extra_forbidden")}),
    ):
        document = build_definition(**{"subscales": [], **changes})
        response = await scenario.admin.post("/v1/instruments", {"code": "mood", "definition": document})
        assert parse_faults(response) == expected, changes
    invalid_code = {"code": "Mood!", "definition": build_definition()}
    assert parse_faults(await scenario.admin.post("/v1/instruments", invalid_code)) == {
        ("/code", "string_pattern_mismatch")
    }
    assert len(expect_json(await scenario.admin.get("/v1/instruments"))["items"]) == 1


async def test_new_edition_replaces_the_active_edition_without_changing_it(scenario: Scenario) -> None:
    first = await create_instrument(scenario)
    path = f"/v1/instruments/{first['id']}"
    for invalid_patch in ({"definition": build_definition()}, {"edition": 2}, {"code": "other"}):
        [(_, code)] = parse_faults(await scenario.admin.patch(path, invalid_patch, etag='"1"'))
        assert code == "extra_forbidden"
    _, draft = await create_assessment_draft(scenario)
    first_answers = await scenario.worker_north.patch(
        draft, {"instruments": {"mood": {"joy": 2}}}, etag='"1"'
    )
    second = await create_instrument(scenario, items=[build_item("sorrow", 0, 1, 2, 3)], subscales=[])
    assert (second["edition"], second["is_active"]) == (2, True)
    assert expect_json(await scenario.admin.get(path))["is_active"] is False

    assert expect_json(first_answers)["instruments"]["mood"]["edition"] == 1
    further_answers = {"instruments": {"mood": {"fear": 2, "rest": 0}}}
    result = expect_json(await scenario.worker_north.patch(draft, further_answers, etag='"2"'))[
        "instruments"
    ]["mood"]
    assert (result["edition"], result["missing"]) == (1, [])
    expect_json(await scenario.worker_north.patch(draft, {"instruments": {"mood": None}}, etag='"3"'))
    new_answers = {"instruments": {"mood": {"sorrow": 2}}}
    result = expect_json(await scenario.worker_north.patch(draft, new_answers, etag='"4"'))["instruments"][
        "mood"
    ]
    assert (result["edition"], result["instrument_id"]) == (2, second["id"])

    reactivation = await scenario.admin.patch(path, {"is_active": True}, etag='"2"')
    assert parse_unmet_conditions(reactivation) == {("/is_active", "replaced")}
    expect_json(
        await scenario.admin.patch(f"/v1/instruments/{second['id']}", {"is_active": False}, etag='"1"')
    )
    other_draft = await create_assessment_draft(scenario)
    response = await scenario.worker_north.patch(other_draft[1], new_answers, etag='"1"')
    assert parse_faults(response) == {("/instruments/mood", "instrument_unknown")}
    expect_json(await scenario.admin.patch(path, {"is_active": True}, etag='"2"'))
    active_editions = expect_json(
        await scenario.admin.get("/v1/instruments", params={"code": "mood", "is_active": "true"})
    )
    assert [edition["edition"] for edition in active_editions["items"]] == [1]


async def test_concurrent_creation_of_editions_leaves_one_active_edition(scenario: Scenario) -> None:
    payload = {"code": "mood", "definition": build_definition()}
    responses = await asyncio.gather(*(scenario.admin.post("/v1/instruments", payload) for _ in range(4)))
    created = [response.json() for response in responses if response.status_code == 201]
    assert {response.status_code for response in responses} <= {201, 409}
    editions = expect_json(await scenario.admin.get("/v1/instruments", params={"code": "mood"}))["items"]
    assert sorted(edition["edition"] for edition in editions) == list(range(1, len(created) + 1))
    assert [edition["edition"] for edition in editions if edition["is_active"]] == [len(created)]


async def test_questionnaires_are_managed_by_administrators_and_readable_in_casework(
    scenario: Scenario,
) -> None:
    instrument = await create_instrument(scenario)
    path = f"/v1/instruments/{instrument['id']}"
    for name in ("worker_north", "supervisor_north", "manager"):
        assert expect_json(await scenario.client_for(name).get(path)) == instrument
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


async def test_scores_are_compared_only_within_the_same_edition(scenario: Scenario) -> None:
    await create_instrument(scenario)
    mood_answers = {"joy": 1, "fear": 3, "rest": 10}
    case, _ = await create_assessed_case(
        scenario, instruments={"my_week": MY_WEEK_ANSWERS, "mood": mood_answers}
    )
    improved_answers = {**copy.deepcopy(MY_WEEK_ANSWERS), "alone": 0, "safe_at_home": 3}
    await create_instrument(scenario)
    second = await create_approved_assessment(
        scenario, case, kind="reassessment", instruments={"my_week": improved_answers, "mood": mood_answers}
    )
    changes = expect_json(await scenario.worker_north.get(f"/v1/assessments/{second['id']}/changes"))
    changes_by_code = {change["code"]: change for change in changes["instruments"]}
    week_change = changes_by_code["my_week"]
    assert (week_change["before"]["score"], week_change["after"]["score"], week_change["change"]) == (
        11,
        5,
        -6,
    )
    assert (week_change["before"]["band"]["code"], week_change["after"]["band"]["code"]) == (
        "some_strain",
        "settled",
    )
    assert (changes_by_code["mood"]["before"]["edition"], changes_by_code["mood"]["after"]["edition"]) == (
        1,
        2,
    )
    assert changes_by_code["mood"]["change"] is None
    path = f"/v1/cases/{case['id']}/assessments"
    third = expect_json(
        await scenario.worker_north.post(path, {**INITIAL_ASSESSMENT_PAYLOAD, "kind": "reassessment"}), 201
    )
    changes = expect_json(await scenario.worker_north.get(f"/v1/assessments/{third['id']}/changes"))
    assert {(change["code"], change["after"]) for change in changes["instruments"]} == {
        ("my_week", None),
        ("mood", None),
    }

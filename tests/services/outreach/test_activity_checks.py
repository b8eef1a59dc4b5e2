"""Contradictions in outreach activities are rejected with the field and a code, and personal data gets a warning."""

from typing import Any

import pytest

from tests.support.outreach import ACTIVITIES, AWARENESS_PAYLOAD, TRAINING_PAYLOAD, create_activity
from tests.support.responses import expect_json, parse_faults, patch_latest
from tests.support.scenario import Scenario, id_of

UNKNOWN_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
DISSEMINATION = {
    "kind": "research_dissemination",
    "topic": "research_findings",
    "programme": "research_advocacy",
}


def children(**changes: Any) -> list[dict[str, Any]]:
    return [{"audience": "children", "persons": 10, **changes}]


CONTRADICTIONS: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "ends before it begins": ({"ends_on": "2026-03-09"}, {("/ends_on", "period_reversed")}),
    "begins in the future": ({"starts_on": "2090-01-01"}, {("/starts_on", "date_in_future")}),
    "begins before the organisation": ({"starts_on": "1999-12-31"}, {("/starts_on", "date_too_early")}),
    "year of the Buddhist era": ({"starts_on": "2569-01-01"}, {("/starts_on", "date_buddhist_era")}),
    "place is unknown": ({"place_code": "99"}, {("/place_code", "place_unknown")}),
    "place is missing": ({"place_code": None}, {("/place_code", "place_missing")}),
    "no participants": ({"participants": []}, {("/participants", "participants_missing")}),
    "no session": ({"sessions": 0}, {("/sessions", "greater_than_equal")}),
    "fewer attendances than persons": (
        {"participants": children(attendances=9), "sessions": 2},
        {("/participants/0/attendances", "attendances_below_persons")},
    ),
    "more attendances than sessions allow": (
        {"participants": children(attendances=21), "sessions": 2},
        {("/participants/0/attendances", "attendances_above_sessions")},
    ),
    "too many by sex": (
        {"participants": children(by_sex={"male": 6, "female": 5})},
        {("/participants/0/by_sex", "counts_unequal")},
    ),
    "too few by sex with unknown": (
        {"participants": children(by_sex={"male": 6, "unknown": 3})},
        {("/participants/0/by_sex", "counts_unequal")},
    ),
    "too many by age": (
        {"participants": children(by_age_group={"from_5_to_9": 10, "from_60": 1})},
        {("/participants/0/by_age_group", "counts_unequal")},
    ),
    "too many by disability": (
        {"participants": children(by_disability={"yes": 1, "no": 10})},
        {("/participants/0/by_disability", "counts_unequal")},
    ),
    "negative number": (
        {"participants": children(by_sex={"male": -1})},
        {("/participants/0/by_sex/male", "greater_than_equal")},
    ),
    "number as text": (
        {"participants": children(by_sex={"male": "1"})},
        {("/participants/0/by_sex/male", "int_type")},
    ),
    "no person": ({"participants": children(persons=0)}, {("/participants/0/persons", "greater_than_equal")}),
    "audience twice": (
        {"participants": [*children(), *children(persons=3)]},
        {("/participants/1/audience", "repeated")},
    ),
    "names of participants": (
        {"participants": children(names=["Sok Dara"])},
        {("/participants/0/names", "extra_forbidden")},
    ),
    "children trained as agents": (
        {"kind": "agent_training"},
        {("/participants/0/audience", "audience_unfit")},
    ),
    "level without a meeting": ({"government_level": "commune"}, {("/government_level", "field_unfit")}),
    "copies without dissemination": ({"copies": 100}, {("/copies", "field_unfit")}),
    "scores of a meeting": (
        {"kind": "meeting", "scores": {"maximum": 10, "before": {"persons": 1, "mean": 1}}},
        {("/scores", "field_unfit")},
    ),
    "scores without a result": ({"scores": {"maximum": 10}}, {("/scores", "scores_missing")}),
    "score above the maximum": (
        {
            "scores": {
                "maximum": 10,
                "before": {"persons": 5, "mean": 5},
                "after": {"persons": 5, "mean": 10.01},
            }
        },
        {("/scores/after/mean", "score_above_maximum")},
    ),
    "maximum of zero": (
        {"scores": {"maximum": 0, "before": {"persons": 5, "mean": 0}}},
        {("/scores/maximum", "greater_than")},
    ),
    "score with three decimal places": (
        {"scores": {"maximum": 10, "before": {"persons": 5, "mean": 5.125}}},
        {("/scores/before/mean", "too_precise")},
    ),
    "more persons tested than present": (
        {"scores": {"maximum": 10, "before": {"persons": 41, "mean": 5}}},
        {("/scores/before/persons", "tested_above_persons")},
    ),
    "unknown agency": (
        {"partner_ids": [UNKNOWN_ID]},
        {("/partner_ids/0", "reference_unknown")},
    ),
    "agency twice": (
        {"partner_ids": [str(id_of("Safe Steps"))] * 2},
        {("/partner_ids/1", "repeated")},
    ),
    "unknown facilitator": (
        {"facilitator_ids": [str(id_of("worker_north")), UNKNOWN_ID]},
        {("/facilitator_ids/1", "reference_unknown")},
    ),
    "several at once": (
        {"place_code": "99", "copies": 1, "participants": children(attendances=1, by_sex={"male": 11})},
        {
            ("/place_code", "place_unknown"),
            ("/copies", "field_unfit"),
            ("/participants/0/attendances", "attendances_below_persons"),
            ("/participants/0/by_sex", "counts_unequal"),
        },
    ),
}


async def test_contradictions_are_rejected_in_new_and_in_corrected_activities(scenario: Scenario) -> None:
    # Catches: `_validate_activity` omitted from `update_outreach_activity`; `<` instead of `<=` in the comparison of
    # attendances; `known > item.persons` without the comparison with `unknown`.
    activity = await create_activity(scenario)
    path = f"{ACTIVITIES}/{activity['id']}"
    for name, (changes, expected) in CONTRADICTIONS.items():
        created = await scenario.worker_north.post(ACTIVITIES, {**AWARENESS_PAYLOAD, **changes})
        assert parse_faults(created) == expected, name
        corrected = await patch_latest(scenario.worker_north, path, changes)
        assert parse_faults(corrected) == expected, name
    assert expect_json(await scenario.worker_north.get(path)) == activity
    assert len(expect_json(await scenario.worker_north.get(ACTIVITIES))["items"]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"place_code": None, "is_online": True},
        {"place_code": "17100901", "is_online": True},
        {"participants": children(attendances=10, by_sex={"male": 4, "female": 4, "other": 2, "unknown": 0})},
        {"participants": children(attendances=30), "sessions": 3},
        {"kind": "agent_training", "participants": [{"audience": "parent_agents", "persons": 4}]},
        {"kind": "meeting", "government_level": "village"},
        {**DISSEMINATION, "place_code": None, "participants": [], "copies": 500},
        {"scores": {"maximum": 0.5, "after": {"persons": 40, "mean": 0.5}}},
        {"scores": {"maximum": 10, "before": {"persons": 1, "mean": 0}}},
    ],
    ids=str,
)
async def test_consistent_activity_is_recorded(scenario: Scenario, changes: dict[str, Any]) -> None:
    # Catches: `>=` in the comparison of the score; the place required of every activity.
    activity = await create_activity(scenario, **changes)
    for name in changes.keys() - {"participants"}:
        assert activity[name] == changes[name] or name == "scores"


async def test_contradiction_of_a_correction_with_stored_fields_is_rejected(scenario: Scenario) -> None:
    path = f"{ACTIVITIES}/{(await create_activity(scenario, payload=TRAINING_PAYLOAD))['id']}"
    for patch, expected in (
        ({"sessions": 2}, ("/participants/0/attendances", "attendances_above_sessions")),
        ({"kind": "meeting"}, ("/scores", "field_unfit")),
        ({"starts_on": "2026-04-09"}, ("/ends_on", "period_reversed")),
        ({"scores": {"maximum": 15}}, ("/scores/after/mean", "score_above_maximum")),
        ({"title": None}, ("/title", "missing")),
    ):
        assert parse_faults(await patch_latest(scenario.worker_north, path, patch)) == {expected}


@pytest.mark.parametrize(
    "text",
    [
        "Call 012 345 678", "Call +855 12 345 678", "Ring ០១២ ៣៤៥ ៦៧៨", "Write to dara@example.org",
        "After case FSC-2026-0042", "With Mrs. Sok", "Led by Mr ដារ៉ា", "A boy named Dara asked", "សិស្សឈ្មោះ ដារ៉ា",
    ],
)  # fmt: skip
async def test_text_with_personal_data_gets_a_warning(scenario: Scenario, text: str) -> None:
    # Catches: digits not folded; `partner_names` missing from the checked fields.
    payload: dict[str, Any] = {
        "title": text,
        "venue": text,
        "description": text,
        "partner_names": ["School", text],
    }
    activity = await create_activity(scenario, **payload, facilitator_agencies=[text])
    assert {(warning["pointer"], warning["code"]) for warning in activity["warnings"]} == {
        (pointer, "personal_data")
        for pointer in ("/title", "/venue", "/description", "/partner_names/1", "/facilitator_agencies/0")
    }
    page = expect_json(await scenario.finance.get(ACTIVITIES))["items"]
    assert page[0]["warnings"] == activity["warnings"]
    khmer = await scenario.finance.get(f"{ACTIVITIES}/{activity['id']}", headers={"accept-language": "km"})
    assert "ទិន្នន័យផ្ទាល់ខ្លួន" in khmer.json()["warnings"][0]["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "Grade 5, 120 children, 2026-01-05 to 2026-01-06", "Drive, dramatic play and mission", "សាលាបឋមសិក្សា ១៧១០",
        "Chapter 0 of 12345678 pages", "Training called off after an hour",
    ],
)  # fmt: skip
async def test_ordinary_text_gets_no_warning(scenario: Scenario, text: str) -> None:
    activity = await create_activity(scenario, title=text, description=text)
    assert activity["warnings"] == []

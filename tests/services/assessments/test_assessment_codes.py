"""Symptoms and family circumstances of an assessment: codes in addition to the sections, compared and frozen like them."""

from typing import Any

import pytest

from tests.support.case_lifecycle import (
    create_approved_assessment,
    create_assessed_case,
    create_assessment_draft,
)
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario

CODES: dict[str, Any] = {"symptoms": ["anxiety", "injuries"], "family_circumstances": ["alcohol", "poverty"]}


async def test_draft_stores_each_code_once_and_keeps_codes_that_a_patch_omits(scenario: Scenario) -> None:
    # Catches: CODED_FIELDS missing from the document to which the patch applies, so that a patch deleted the codes.
    _, path = await create_assessment_draft(scenario, {**CODES, "symptoms": [*CODES["symptoms"], "anxiety"]})
    worker = scenario.worker_north
    draft = expect_json(await worker.get(path))
    assert {name: draft[name] for name in CODES} == CODES
    changed = expect_json(await worker.patch(path, {"risk_level": "high"}, etag='"2"'))
    assert {name: changed[name] for name in CODES} == CODES
    emptied = expect_json(await worker.patch(path, {"symptoms": []}, etag='"3"'))
    assert (emptied["symptoms"], emptied["family_circumstances"]) == ([], CODES["family_circumstances"])


async def test_codes_are_optional_and_frozen_after_submission(scenario: Scenario) -> None:
    # Catches: symptoms added to the columns that the trigger permits for an approved assessment.
    case, without_codes = await create_assessed_case(scenario)
    assert (without_codes["symptoms"], without_codes["family_circumstances"]) == ([], [])
    with_codes = await create_approved_assessment(scenario, case, kind="reassessment", **CODES)
    response = await scenario.worker_north.patch(
        f"/v1/assessments/{with_codes['id']}", {"symptoms": []}, etag=f'"{with_codes["version"]}"'
    )
    assert response.status_code == 409


async def test_changes_contain_added_and_removed_codes(scenario: Scenario) -> None:
    # Catches: `added` and `removed` exchanged.
    case, first = await create_assessed_case(scenario, **CODES)
    worker = scenario.worker_north
    changes = expect_json(await worker.get(f"/v1/assessments/{first['id']}/changes"))
    assert changes["symptoms"] == {"added": ["anxiety", "injuries"], "removed": []}
    second = await create_approved_assessment(
        scenario,
        case,
        kind="reassessment",
        symptoms=["pain", "anxiety"],
        family_circumstances=["alcohol", "poverty"],
    )
    changes = expect_json(await worker.get(f"/v1/assessments/{second['id']}/changes"))
    assert changes["symptoms"] == {"added": ["pain"], "removed": ["injuries"]}
    assert changes["family_circumstances"] == {"added": [], "removed": []}


@pytest.mark.parametrize("name", ["symptoms", "family_circumstances"])
async def test_codes_outside_the_lists_are_rejected(scenario: Scenario, name: str) -> None:
    _, path = await create_assessment_draft(scenario)
    other_list = CODES["symptoms" if name == "family_circumstances" else "family_circumstances"]
    for value, fault in (
        (["tired"], (f"/{name}/0", "literal_error")),
        (other_list, (f"/{name}/1", "literal_error")),
        ("anxiety", (f"/{name}", "list_type")),
        (["other"] * 31, (f"/{name}", "too_long")),
    ):
        response = await scenario.worker_north.patch(path, {name: value}, etag='"1"')
        assert response.status_code == 422
        assert fault in parse_faults(response), value


async def test_code_lists_have_english_and_khmer_labels(scenario: Scenario) -> None:
    for name in ("session_topic", "symptom", "family_circumstance", "hsb_outcome"):
        code_list = expect_json(
            await scenario.http.get(f"/v1/codes/{name}", headers={"accept-language": "km"})
        )
        assert {"self_protection", "anxiety", "alcohol", "unknown"} & {
            code["code"] for code in code_list["codes"]
        }
        assert all(code["label"] == code["km"] != code["en"] for code in code_list["codes"])

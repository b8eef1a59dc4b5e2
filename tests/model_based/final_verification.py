"""Read every record over the API at the end of a run, and compare all known fields with the model."""

from collections.abc import Iterator
from typing import Any

from tests.model_based.child_model import ChildModel, ModelRecord
from tests.model_based.driver import Driver
from tests.support.responses import expect_json

RECORD_PATHS = {
    "assessments": "/assessments/{}",
    "care_plans": "/care-plans/{}",
    "reviews": "/reviews/{}",
    "cases": "/cases/{}",
}
REFERENCE_FIELD_COUNT = 2
CASE_LISTS = ("people", "consents", "support-sessions", "service-referrals", "follow-ups")


async def verify_final_state(driver: Driver) -> None:
    manager = driver.scenario.manager
    for child in driver.children.values():
        documents: dict[str, dict[str, Any]] = {}
        for path in list_paths(child):
            response = await manager.get(f"/v1{path}", params={"limit": 200} if is_list(path) else None)
            documents |= dict(iterate_records(expect_json(response)))
        mismatches = [
            mismatch
            for record in child.records
            for mismatch in find_mismatches(record, documents.get(record.id))
        ]
        assert mismatches == [], f"seed {driver.seed}: {mismatches[:5]}"


def list_paths(child: ChildModel) -> Iterator[str]:
    """Yield the paths of the lists and records that contain every record of a child."""
    for case in child.list_records("cases"):
        yield from (f"/cases/{case.id}/{name}" for name in CASE_LISTS)
        if child.list_records("exit_plans", case):
            yield f"/cases/{case.id}/exit-plan"
    for session in child.list_records("support_sessions"):
        if child.list_records("session_addenda", session):
            yield f"/support-sessions/{session.id}/addenda"
    for record in child.records:
        if record.kind in RECORD_PATHS:
            yield RECORD_PATHS[record.kind].format(record.id)


def is_list(path: str) -> bool:
    return path.endswith(CASE_LISTS)


def iterate_records(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every record at any depth. A care plan contains its goals, and they contain their actions.

    References to records, such as the person of a care plan, are left out. They have two fields.
    """
    parts = (
        document if isinstance(document, list) else document.values() if isinstance(document, dict) else ()
    )
    for part in parts:
        yield from iterate_records(part)
    if isinstance(document, dict) and "id" in document and len(document) > REFERENCE_FIELD_COUNT:
        yield document["id"], document


def find_mismatches(record: ModelRecord, document: dict[str, Any] | None) -> Iterator[str]:
    if document is None:
        if record.kind != "break_glass":
            yield f"missing: {record.kind} {record.id}"
        return
    for name, value in record.fields.items():
        if not contains_value(document.get(name), value):
            yield f"{record.kind} {record.id} has {name} {document.get(name)}, not {value}"


def contains_value(actual: Any, expected: Any) -> bool:
    """Return whether a value equals the expected one. Objects may have additional fields."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return all(contains_value(actual.get(name), part) for name, part in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(contains_value, actual, expected))
    return bool(actual == expected)

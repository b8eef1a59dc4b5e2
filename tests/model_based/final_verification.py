"""At the end everything is read over the API, and is as the model says: no word was changed that was frozen, none was lost."""

from collections.abc import Iterator
from typing import Any

from tests.model_based.child_model import ModelRecord
from tests.model_based.driver import Driver
from tests.support.responses import expect_json

RECORD_PATHS = {
    "assessments": "/assessments/{}",
    "care_plans": "/care-plans/{}",
    "reviews": "/reviews/{}",
    "cases": "/cases/{}",
}
CASE_LISTS = ("people", "consents", "support-sessions", "service-referrals", "follow-ups")
UNLISTED_KINDS = {"break_glass", "session_addenda"}


async def verify_final_state(driver: Driver) -> None:
    manager = driver.scenario.manager
    for story in driver.children.values():
        shown: dict[str, dict[str, Any]] = {}
        for case in story.list_records("cases"):
            for name in CASE_LISTS:
                answer = await manager.get(f"/v1/cases/{case.id}/{name}", params={"limit": 200})
                shown |= dict(iterate_records(expect_json(answer)))
            if story.list_records("exit_plans", case):
                shown |= dict(
                    iterate_records(expect_json(await manager.get(f"/v1/cases/{case.id}/exit-plan")))
                )
        for session in story.list_records("support_sessions"):
            if story.list_records("session_addenda", session):
                shown |= dict(
                    iterate_records(
                        expect_json(await manager.get(f"/v1/support-sessions/{session.id}/addenda"))
                    )
                )
        for record in story.records:
            if record.kind in RECORD_PATHS:
                path = "/v1" + RECORD_PATHS[record.kind].format(record.id)
                shown |= dict(iterate_records(expect_json(await manager.get(path))))
        wrong = [fault for record in story.records for fault in find_mismatches(record, shown.get(record.id))]
        assert wrong == [], f"seed {driver.seed}"


def iterate_records(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record in an answer, however deep: a plan holds its goals, and they their actions."""
    parts = (
        document if isinstance(document, list) else document.values() if isinstance(document, dict) else ()
    )
    for part in parts:
        yield from iterate_records(part)
    if isinstance(document, dict) and "id" in document:
        yield document["id"], document


def find_mismatches(record: ModelRecord, shown: dict[str, Any] | None) -> Iterator[str]:
    if shown is None:
        if record.kind != "break_glass":
            yield f"lost: {record.kind} {record.id}"
        return
    for name, value in record.fields.items():
        if not contains_value(shown.get(name), value):
            yield f"{record.kind} {record.id} shows {name} {shown.get(name)}, not {value}"


def contains_value(shown: Any, value: Any) -> bool:
    """Whether what is shown says all that the model knows; it may say more."""
    if isinstance(value, dict) and isinstance(shown, dict):
        return all(contains_value(shown.get(name), part) for name, part in value.items())
    if isinstance(value, list) and isinstance(shown, list):
        return len(value) == len(shown) and all(map(contains_value, shown, value))
    return bool(shown == value)

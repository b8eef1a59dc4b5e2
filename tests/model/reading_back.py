"""At the end everything is read over the API, and is as the model says: no word was changed that was frozen, none was lost."""

from collections.abc import Iterator
from typing import Any

from tests.model.driver import Driver
from tests.model.story import Record
from tests.pathway import done

BY_THEMSELVES = {
    "assessments": "/assessments/{}",
    "care_plans": "/care-plans/{}",
    "reviews": "/reviews/{}",
    "cases": "/cases/{}",
}
IN_LISTS = ("people", "consents", "support-sessions", "service-referrals", "follow-ups")
SEEN_ELSEWHERE = {"break_glass", "session_addenda"}


async def read_back(driver: Driver) -> None:
    manager = driver.world.manager
    for story in driver.stories.values():
        shown: dict[str, dict[str, Any]] = {}
        for case in story.of("cases"):
            for name in IN_LISTS:
                answer = await manager.get(f"/v1/cases/{case.id}/{name}", params={"limit": 200})
                shown |= dict(records_in(done(answer)))
            if story.of("exit_plans", case):
                shown |= dict(records_in(done(await manager.get(f"/v1/cases/{case.id}/exit-plan"))))
        for session in story.of("support_sessions"):
            if story.of("session_addenda", session):
                shown |= dict(
                    records_in(done(await manager.get(f"/v1/support-sessions/{session.id}/addenda")))
                )
        for record in story.records:
            if record.kind in BY_THEMSELVES:
                path = "/v1" + BY_THEMSELVES[record.kind].format(record.id)
                shown |= dict(records_in(done(await manager.get(path))))
        wrong = [fault for record in story.records for fault in misread(record, shown.get(record.id))]
        assert wrong == [], f"seed {driver.seed}"


def records_in(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record in an answer, however deep: a plan holds its goals, and they their actions."""
    parts = (
        document if isinstance(document, list) else document.values() if isinstance(document, dict) else ()
    )
    for part in parts:
        yield from records_in(part)
    if isinstance(document, dict) and "id" in document:
        yield document["id"], document


def misread(record: Record, shown: dict[str, Any] | None) -> Iterator[str]:
    if shown is None:
        if record.kind != "break_glass":
            yield f"lost: {record.kind} {record.id}"
        return
    for name, value in record.says.items():
        if not says(shown.get(name), value):
            yield f"{record.kind} {record.id} shows {name} {shown.get(name)}, not {value}"


def says(shown: Any, value: Any) -> bool:
    """Whether what is shown says all that the model knows; it may say more."""
    if isinstance(value, dict) and isinstance(shown, dict):
        return all(says(shown.get(name), part) for name, part in value.items())
    if isinstance(value, list) and isinstance(shown, list):
        return len(value) == len(shown) and all(map(says, shown, value))
    return bool(shown == value)

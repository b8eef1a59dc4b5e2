"""A case needs a first contact until the child, the supporter or the family was reached after the referral was received."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import utc_now
from tests.support.agenda import list_agenda
from tests.support.responses import expect_json, patch_latest_fields
from tests.support.row_factories import date_in_days, local_datetime
from tests.support.scenario import Scenario
from tests.support.support_sessions import create_support_session, support_session_path

VISIT = {"kind": "home_visit"}


def format_time(time: datetime) -> str:
    return time.astimezone(CAMBODIA_TIMEZONE).isoformat()


async def open_emergency(scenario: Scenario, superuser: Any, received_at: datetime) -> str:
    """Open a case from an emergency that was received at a time, and return its path."""
    case = await scenario.open_case(urgency="emergency")
    await superuser.execute("UPDATE referrals SET received_at = $1", received_at)
    return f"/v1/cases/{case['id']}"


async def has_first_contact_entry(scenario: Scenario) -> bool:
    return len(await list_agenda(scenario.worker_north, kind="first_contact")) == 1


@pytest.mark.parametrize(("minutes", "is_contact"), [(-60, False), (-1, False), (1, True), (60, True)])
async def test_contact_counts_only_after_the_referral_was_received(
    scenario: Scenario, superuser_connection: Any, minutes: int, is_contact: bool
) -> None:
    received_at = utc_now() - timedelta(hours=2)
    path = await open_emergency(scenario, superuser_connection, received_at)
    held_at = format_time(received_at + timedelta(minutes=minutes))
    await create_support_session(scenario.worker_north, path, **VISIT, held_at=held_at)
    assert await has_first_contact_entry(scenario) is not is_contact


@pytest.mark.parametrize(("hours", "is_contact"), [(9, True), (-1, False)])
async def test_contact_without_a_time_counts_if_it_was_recorded_after_the_referral(
    scenario: Scenario, superuser_connection: Any, hours: int, is_contact: bool
) -> None:
    # The referral was received at 10:00 of yesterday, and the contact of that day was recorded `hours` later.
    received_at = local_datetime(date_in_days(-1), 10)
    path = await open_emergency(scenario, superuser_connection, received_at)
    midnight = local_datetime(date_in_days(-1), 0)
    await create_support_session(scenario.worker_north, path, **VISIT, held_at=format_time(midnight))
    await superuser_connection.execute(
        "UPDATE support_sessions SET recorded_at = $1", received_at + timedelta(hours=hours)
    )
    assert await has_first_contact_entry(scenario) is not is_contact


@pytest.mark.parametrize(
    ("session", "contact_with", "is_contact"),
    [
        ({"kind": "therapy"}, [], True),
        ({"kind": "home_visit"}, [], True),
        ({"kind": "home_visit", "contact_with": ["other"]}, ["other"], False),
        ({"kind": "phone_call"}, [], False),
        ({"kind": "school_visit"}, [], True),
        ({"kind": "phone_call", "participants": ["Police officer"]}, [], False),
        ({"kind": "phone_call", "participants": ["Police officer", "the child"]}, ["child"], True),
        ({"kind": "phone_call", "participants": ["ម្តាយ"]}, ["family"], True),
        ({"kind": "phone_call", "participants": ["Caregiver", "The Supporter"]}, ["supporter"], True),
        ({"kind": "phone_call", "participants": ["Mother"], "contact_with": ["other"]}, ["other"], False),
        ({"kind": "school_visit", "contact_with": ["child", "other", "child"]}, ["child", "other"], True),
    ],
)
async def test_session_is_a_contact_if_it_reached_the_child_or_a_caregiver(
    scenario: Scenario,
    superuser_connection: Any,
    session: dict[str, Any],
    contact_with: list[str],
    is_contact: bool,
) -> None:
    path = await open_emergency(scenario, superuser_connection, utc_now() - timedelta(hours=2))
    held_at = format_time(utc_now() - timedelta(hours=1))
    created = await create_support_session(scenario.worker_north, path, **session, held_at=held_at)
    assert created["contact_with"] == contact_with
    assert await has_first_contact_entry(scenario) is not is_contact
    case = expect_json(await scenario.worker_north.get(path))
    assert (case["last_contact_on"] is not None) is is_contact


async def test_missed_cancelled_and_corrected_sessions_are_not_contacts(
    scenario: Scenario, superuser_connection: Any
) -> None:
    received_at = utc_now() - timedelta(days=3)
    path, worker = await open_emergency(scenario, superuser_connection, received_at), scenario.worker_north
    past = format_time(received_at + timedelta(days=1))
    missed = {"planned_at": past, "attendance": "missed_by_child", "missed_reason": "Rain."}
    await create_support_session(worker, path, **VISIT, **missed)
    planned = await create_support_session(
        worker, path, **VISIT, planned_at=format_time(utc_now() + timedelta(days=1))
    )
    expect_json(await worker.act(support_session_path(planned), "cancel", {"reason": "Ill."}))
    assert await has_first_contact_entry(scenario)

    held = await create_support_session(worker, path, **VISIT, held_at=past)
    assert not await has_first_contact_entry(scenario)
    expect_json(await patch_latest_fields(worker, support_session_path(held), contact_with=["other"]))
    assert await has_first_contact_entry(scenario)
    expect_json(await patch_latest_fields(worker, support_session_path(held), contact_with=["family"]))
    assert not await has_first_contact_entry(scenario)
    expect_json(
        await worker.act(support_session_path(held), "enter-in-error", {"reason": "Of another child."})
    )
    assert await has_first_contact_entry(scenario)


async def test_later_referral_of_the_case_needs_another_contact(
    scenario: Scenario, superuser_connection: Any
) -> None:
    received_at = utc_now() - timedelta(days=3)
    path = await open_emergency(scenario, superuser_connection, received_at)
    held_at = format_time(received_at + timedelta(days=1))
    await create_support_session(scenario.worker_north, path, **VISIT, held_at=held_at)
    assert not await has_first_contact_entry(scenario)
    await superuser_connection.execute("UPDATE referrals SET received_at = $1", utc_now())
    assert await has_first_contact_entry(scenario)

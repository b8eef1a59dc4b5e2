"""The kinds of agenda entries that come from new cases, emergencies, targets, consents, birthdays and money."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import add_months, today
from app.models import Consent
from app.models.record import utc_now
from tests.support.agenda import list_agenda
from tests.support.case_lifecycle import complete_next_review, create_active_case, create_exiting_case
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    payment_payload,
    usd,
)
from tests.support.responses import expect_json
from tests.support.row_factories import WORKER_ID, case_foreign_keys, date_in_days, insert_row, settle_case
from tests.support.scenario import Scenario, id_of

EMERGENCY = {"urgency": "emergency"}


def summarize(items: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(item["kind"], item["due_on"], item["is_overdue"]) for item in items]


async def test_emergency_is_listed_first_until_the_first_contact(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `rank` always 1.
    older = await scenario.create_referral()
    await superuser_connection.execute(
        "UPDATE referrals SET received_at = $1", utc_now() - timedelta(days=20)
    )
    referral = await scenario.create_referral(**EMERGENCY)
    path = f"/v1/referrals/{referral['id']}"
    first, second = await list_agenda(scenario.supervisor_north)
    assert (first["record"]["id"], first["is_emergency"]) == (referral["id"], True)
    assert (second["record"]["id"], second["is_emergency"]) == (older["id"], False)

    staff = {"team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID)}
    expect_json(await scenario.supervisor_north.act(path, "acknowledge", staff))
    (acknowledged,) = await list_agenda(scenario.worker_north)
    assert (acknowledged["kind"], acknowledged["is_emergency"]) == ("referral", True)
    assert acknowledged["due_on"] == str(today())

    await scenario.open_case(**EMERGENCY)
    (entry,) = await list_agenda(scenario.worker_north, kind="first_contact")
    assert entry["is_emergency"]
    assert (entry["kind"], entry["detail"], entry["due_on"]) == ("first_contact", "emergency", str(today()))


@pytest.mark.parametrize(("urgency", "hours"), [("emergency", 2), ("urgent", 24), ("routine", 48)])
async def test_targets_of_agenda_and_list_are_data(
    scenario: Scenario, superuser_connection: Any, urgency: str, hours: int
) -> None:
    # Catches: a constant of two days in `app/services/referrals/views.py`.
    referral = await scenario.create_referral(urgency=urgency)

    async def read_overdue(age: timedelta) -> set[bool]:
        await superuser_connection.execute("UPDATE referrals SET received_at = $1", utc_now() - age)
        (entry,) = await list_agenda(scenario.supervisor_north)
        (row,) = expect_json(await scenario.supervisor_north.get("/v1/referrals"))["items"]
        assert (entry["record"]["id"], row["id"]) == (referral["id"], referral["id"])
        return {entry["is_overdue"], row["acknowledgement_overdue"]}

    minute = timedelta(minutes=1)
    assert await read_overdue(timedelta(hours=hours) - minute) == {False}
    assert await read_overdue(timedelta(hours=hours) + minute) == {True}
    await superuser_connection.execute("UPDATE targets SET hours = 100")
    assert await read_overdue(timedelta(hours=hours) + minute) == {False}


async def test_new_case_needs_contact_assessment_and_care_plan(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    assert summarize(await list_agenda(scenario.worker_north)) == [
        ("first_contact", str(date_in_days(7)), False),
        ("assessment", str(date_in_days(30)), False),
    ]
    created = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    (draft,) = await list_agenda(scenario.worker_north, kind="assessment,draft")
    assert (draft["kind"], draft["due_on"]) == ("draft", str(date_in_days(30)))
    assert draft["record"]["id"] == expect_json(created, 201)["id"]
    await superuser_connection.execute("DELETE FROM assessments")
    await superuser_connection.execute("UPDATE cases SET status = 'planning'")
    assert summarize(await list_agenda(scenario.worker_north, kind="assessment,care_plan")) == [
        ("care_plan", str(date_in_days(45)), False)
    ]
    await superuser_connection.execute("UPDATE cases SET opened_on = $1", date_in_days(-46))
    (late,) = await list_agenda(scenario.worker_north, kind="care_plan")
    assert late["is_overdue"]


async def test_draft_edition_and_empty_exit_plan_of_a_review_are_on_the_agenda(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    assert await list_agenda(scenario.worker_north, kind="draft") == []
    await complete_next_review(scenario, case["id"], "adapt")
    (edition,) = await list_agenda(scenario.worker_north, kind="draft")
    assert (edition["record"]["kind"], edition["due_on"]) == ("care_plan", str(date_in_days(14)))
    exiting, _ = await create_exiting_case(scenario)
    drafts = await list_agenda(scenario.worker_north, kind="draft")
    assert {(item["record"]["kind"], item["case_id"]) for item in drafts} == {
        ("care_plan", case["id"]), ("exit_plan", exiting["id"]),
    }  # fmt: skip


async def test_consent_that_ends_is_on_the_agenda_until_a_later_entry_replaces_it(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    common: dict[str, Any] = {**case_foreign_keys(case), "given_on": today(), "recorded_by_id": WORKER_ID}
    for days, scope in ((29, "services"), (31, "services"), (-1, "recording")):
        await insert_row(
            superuser_connection, Consent(**common, scope=[scope], valid_until=date_in_days(days))
        )
    entries = await list_agenda(scenario.worker_north, kind="consent")
    assert summarize(entries) == [("consent", str(date_in_days(-1)), True)], (
        "one of 31 days replaces the other"
    )
    await insert_row(superuser_connection, Consent(**common, scope=["services", "recording"]))
    assert await list_agenda(scenario.worker_north, kind="consent") == []


@pytest.mark.parametrize(
    ("later", "is_replaced"),
    [
        ({"given_by": ["child"]}, False),
        ({"given_by": ["child", "caregiver"], "given_on": -5}, False),
        ({"given_by": ["guardian"]}, True),
        ({"given_by": ["child", "caregiver"]}, True),
        ({"basis_without_consent": "vital_interest"}, True),
    ],
)
async def test_consent_of_a_caregiver_that_ends_is_replaced_by_a_later_word_of_an_adult(
    scenario: Scenario, superuser_connection: Any, later: dict[str, Any], is_replaced: bool
) -> None:
    # Catches: a later entry of any giver, or one that was recorded later, replaces the consent.
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    common: dict[str, Any] = {**case_foreign_keys(case), "scope": ["recording"], "recorded_by_id": WORKER_ID}
    ending = Consent(**common, given_by=["caregiver"], given_on=date_in_days(-2), valid_until=date_in_days(9))
    await insert_row(superuser_connection, ending)
    given_on = date_in_days(later.pop("given_on", -1))
    await insert_row(superuser_connection, Consent(**common, given_on=given_on, **later))
    entries = await list_agenda(scenario.worker_north, kind="consent")
    assert [entry["record"]["id"] for entry in entries] == ([] if is_replaced else [str(ending.id)])


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ({"precision": "day", "days": 90}, True),
        ({"precision": "day", "days": 91}, False),
        ({"precision": "day", "days": -14}, True),
        ({"precision": "day", "days": -15}, False),
        ({"estimated_age": 17}, True),
        ({"estimated_age": 9}, False),
    ],
)
async def test_18th_birthday_is_announced_90_days_ahead(
    scenario: Scenario, birth: dict[str, Any], expected: bool
) -> None:
    # Catches: `latest` instead of `earliest` in `_compute_birthday`.
    if (days := birth.pop("days", None)) is not None:
        birth["date"] = str(add_months(date_in_days(days), -18 * 12))
    else:
        birth["estimated_on"] = str(date_in_days(-300))
    case = await scenario.open_case()
    child = await scenario.worker_north.get(f"/v1/children/{case['child_id']}")
    patch = {"birth": {"date": None, "precision": None, "estimated_age": None, "estimated_on": None} | birth}
    changed = await scenario.worker_north.patch(
        f"/v1/children/{case['child_id']}", patch, etag=child.headers["etag"]
    )
    expect_json(changed)
    entries = await list_agenda(scenario.worker_north, kind="birthday")
    assert [entry["case_id"] for entry in entries] == [case["id"]] * expected
    assert not any(entry["is_overdue"] for entry in entries)
    counts = expect_json(await scenario.worker_north.get("/v1/me/counts"))
    assert counts["agenda"] == len(await list_agenda(scenario.worker_north))


async def test_payments_and_receipts_are_on_the_agenda_of_finance_without_the_child(
    scenario: Scenario,
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    approved = await create_approved_disbursement(scenario, case, fund)
    emergency = await create_disbursement(scenario, case, urgency="emergency")
    response = await scenario.finance.get("/v1/me/agenda")
    entries = expect_json(response)["items"]
    assert {(entry["kind"], entry["record"]["id"]) for entry in entries} == {
        ("payment", approved["id"]), ("payment", emergency["id"]),
    }  # fmt: skip
    assert {(entry["child_id"], entry["child"], entry["worker"]) for entry in entries} == {(None, None, None)}
    assert {entry["case_number"] for entry in entries} == {case["number"]}
    logged = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in logged} == {case["child_id"]}

    payment = payment_payload(approved["amount"])
    await act_on_disbursement(scenario.finance, approved, "pay", payment)
    (receipt,) = await list_agenda(scenario.finance, kind="receipt")
    assert (receipt["record"]["id"], receipt["due_on"]) == (approved["id"], str(date_in_days(14)))


async def test_request_above_every_limit_is_on_the_agenda_of_the_programme_manager(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Above every limit, it can only be rejected, but the approvers must see it.
    case = await scenario.open_case()
    large = await create_disbursement(scenario, case, usd("250.00"))
    await superuser_connection.execute(
        "INSERT INTO approval_limits (id, created_at, version, role, act, currency, amount, starts_on)"
        " VALUES (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'USD', 100, '2021-01-01')"
    )
    assert await list_agenda(scenario.supervisor_north, kind="approval") == []
    (entry,) = await list_agenda(scenario.manager, kind="approval")
    assert entry["record"]["id"] == large["id"]
    expect_json(await scenario.manager.act(entry["link"], "reject", {"reason": "Too much."}))


async def test_overdue_reviews_of_the_team_are_on_the_agenda_of_its_supervisors(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    assert await list_agenda(scenario.supervisor_north, kind="review") == []
    for table, column in (("reviews", "due_on"), ("cases", "next_review_on")):
        await superuser_connection.execute(f"UPDATE {table} SET {column} = $1", date_in_days(-1))  # noqa: S608
    for caller in (scenario.supervisor_north, scenario.worker_north):
        (entry,) = await list_agenda(caller, kind="review")
        assert (entry["case_id"], entry["is_overdue"]) == (case["id"], True)
    assert await list_agenda(scenario.supervisor_south, kind="review") == []

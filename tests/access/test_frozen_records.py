"""Frozen records cannot be changed by SQL with the password of the API, in any status and by any caller.

For each table and status, the tests change every column that firststep_api may update, as every caller who works with
the record. The columns that can change are compared with a list, so that the tests also fail if nothing can change.
"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.models import Deposit, DonorGrant, Fund, FundTransfer, Release
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.row_changes import is_accepted, list_changeable_columns
from tests.support.row_factories import date_in_days, insert_row
from tests.support.sample_rows import PopulatedDatabase, insert_sample_rows
from tests.support.scenario import Scenario, id_of
from tests.support.state_machines import STATE_MACHINES, get_status_changes, get_statuses

CALLERS = ("worker_north", "supervisor_north", "manager", "finance", "me_officer")
CASE_TABLES = (
    "actions", "assessments", "care_plans", "clinical_notes", "exit_plans", "goals", "plan_areas", "reviews",
    "support_sessions",
)  # fmt: skip
"""Tables whose rows never change after their case was closed."""
SESSION = {
    "areas", "attendance", "contact_with", "content_encrypted", "form", "goal_ids", "held_at", "kind", "planned_at", "topics",
    "worker_id",
}  # fmt: skip
OPEN_CASE = {
    "content_encrypted",
    "extended_until",
    "grant_code",
    "kind",
    "lead_worker_id",
    "next_review_on",
    "risk_level",
    "team_id",
}
OPEN_REFERRAL = {
    "concern_kind", "content_encrypted", "handed_to_id", "identity_changed_by_staff", "province_code", "team_id",
    "urgency",
}  # fmt: skip
ASSESSMENT = {"content_encrypted", "family_circumstances", "ratings", "risk_level", "symptoms"}
CARE_PLAN = {"assessment_id", "content_encrypted", "needs_social_work"}
CHANGEABLE: dict[str, dict[str, set[str]]] = {
    "assessments": {"draft": ASSESSMENT, "returned": ASSESSMENT},
    "care_plans": {"draft": CARE_PLAN, "returned": CARE_PLAN},
    # A follow-up after the end of support moves to another worker with the case.
    "cases": dict.fromkeys(("assessment", "planning", "active", "exiting"), OPEN_CASE)
    | {"closed": {"lead_worker_id"}},
    "deposits": {},
    "disbursements": {
        status: {"finance_documents"} for status in ("requested", "approved", "paid", "reconciled")
    },
    "exit_plans": {
        "draft": {"author_id", "conditions_met", "conditions_unmet", "content_encrypted", "ends_on"}
    },
    "follow_ups": {
        "missed": {
            "author_id", "conditions_met", "conditions_unmet", "content_encrypted", "held_on", "hsb_outcome", "wellbeing",
        }
    },
    "fund_transfers": {},
    "referrals": dict.fromkeys(("received", "acknowledged", "information_requested"), OPEN_REFERRAL)
    | {"accepted": {"team_id"}},
    "releases": {"auditing": {"audited_reports", "tables_to_drop"}},
    "reviews": {
        "scheduled": {"content_encrypted", "decision", "decisions", "due_on", "held_on", "plan_id", "ratings"}
    },
    "service_referrals": {
        "draft": {
            "area", "basis_entry_id", "basis_without_consent", "consent_id", "content_encrypted", "goal_id", "provider_id", "service",
            "shared_fields",
        }
    },
    "support_sessions": dict.fromkeys(("planned", "held", "missed"), SESSION),
}  # fmt: skip
"""Columns that can change while the status stays the same, by table and status. All other columns are frozen."""
PLAN_PARTS = {
    "plan_areas": {"content_encrypted", "rating", "status"},
    "goals": {"content_encrypted", "status"},
    "actions": {"by", "content_encrypted", "done_on", "due_on", "note_encrypted", "status"},
}
PROGRESS = {"status", "done_on", "note_encrypted"}
"""Columns of parts of a plan that also change after its submission."""
FINAL_ROW_CALLERS = {"referral_questions": "supervisor_north"}
STATUS_COLUMNS = {
    ("cases", "active"): "next_review_on = current_date",
    ("deposits", "reversed"): "reversed_by_id = '{finance}', reversed_at = now(), reversal_reason = 'x'",
    ("disbursements", "approved"): "approved_by_id = '{supervisor}'",
    ("disbursements", "paid"): "approved_by_id = '{supervisor}', paid_by_id = '{finance}', paid_on = current_date, fund_id = '{fund}'",
    ("disbursements", "reconciled"): "spent = 1, reconciled_by_id = '{finance}'",
    **{
        ("releases", status): "approved_by_id = '{supervisor}', approved_at = now(), published_at = NULL"
        for status in ("auditing", "discarded", "draft", "refused")
    },
    ("releases", "published"): "approved_by_id = '{supervisor}', published_at = now()",
    ("support_sessions", "held"): "held_at = now(), recorded_at = now()",
    ("support_sessions", "missed"): "recorded_at = now()",
}  # fmt: skip
"""Columns that a status requires. They are set together with the status, and stay set."""


@pytest.fixture
async def record_ids(
    populated_database: PopulatedDatabase, cluster: Cluster, scenario: Scenario, superuser_connection: Any
) -> dict[str, UUID]:
    """One record of each table, by table. Other cases have rows that references can be changed to."""
    case = populated_database.north_case
    await insert_sample_rows(cluster, scenario, populated_database.linked_case, "worker_south")
    fund = Fund(name="Fund", donor="Donor", currency="USD", starts_on=date_in_days(0))
    await insert_row(superuser_connection, fund)
    await insert_row(superuser_connection, DonorGrant(code="G1", name="Grant", donor="Donor"))
    transfer = FundTransfer(
        fund_id=fund.id, from_line="a", to_line="b", amount=1, reason="x", asked_by_id=id_of("manager")
    )
    await insert_row(superuser_connection, transfer)
    deposit = Deposit(
        fund_id=fund.id, line="general", amount=1, received_on=date_in_days(0), reference="x", reference_key="x",
        recorded_by_id=id_of("finance"),
    )  # fmt: skip
    await insert_row(superuser_connection, deposit)
    release = Release(
        period="2025-Q1", first_day=date(2025, 1, 1), last_day=date(2025, 3, 31), edition=1,
        prepared_by_id=id_of("me_officer"),
    )  # fmt: skip
    await insert_row(superuser_connection, release)
    ids = {"funds": fund.id, "fund_transfers": transfer.id, "deposits": deposit.id, "cases": UUID(case["id"])}
    ids["releases"] = release.id
    ids["referrals"] = UUID(populated_database.referral["id"])
    for table in {*STATE_MACHINES, *CASE_TABLES, "disbursement_details", "consents"} - ids.keys():
        query = f"SELECT id FROM {table} WHERE case_id = $1 LIMIT 1"  # noqa: S608 - names of tables
        ids[table] = await superuser_connection.fetchval(query, UUID(case["id"]))
    return ids


async def set_status(superuser: Any, ids: dict[str, UUID], table: str, status: str) -> None:
    """Set the status of a record as superuser, whom the rules of the database do not restrict."""
    names = {"supervisor": id_of("supervisor_south"), "finance": id_of("finance"), "fund": ids["funds"]}
    assignments = ", ".join(
        ["status = $1", *filter(None, [STATUS_COLUMNS.get((table, status), "").format(**names)])]
    )
    if table == "releases":  # a trigger rejects changes of final rows by every role
        await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(f"UPDATE {table} SET {assignments} WHERE id = $2", status, ids[table])  # noqa: S608
    await superuser.execute("SET session_replication_role = origin")


@pytest.mark.parametrize("table", STATE_MACHINES)
async def test_only_listed_columns_change_in_each_status(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any, table: str
) -> None:
    # Catches: the trigger validate_change missing from reviews; 'completed completed' with 'content_encrypted' in its
    # arguments; prevent_late_correction without the comparison of the author.
    statuses = list(get_statuses(STATE_MACHINES[table]))
    order = ("requested", "approved", "paid", "reconciled")
    for status in sorted(statuses, key=lambda each: (order.index(each) if each in order else 9, each)):
        await set_status(superuser_connection, record_ids, table, status)
        changeable = await list_changeable_columns(
            api_connection, superuser_connection, CALLERS, table, record_ids[table]
        )
        assert changeable == CHANGEABLE[table].get(status, set()), status


@pytest.mark.parametrize("table", STATE_MACHINES)
async def test_status_changes_outside_the_state_machine_are_rejected(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any, table: str
) -> None:
    # Catches: 'completed scheduled' added to the arguments of the trigger on reviews.
    allowed, statuses = get_status_changes(STATE_MACHINES[table]), get_statuses(STATE_MACHINES[table])
    accepted = set()
    for old in sorted(statuses):
        await set_status(superuser_connection, record_ids, table, old)
        for caller in CALLERS:
            async with open_transaction_as(api_connection, caller):
                for new in statuses - {old}:
                    statement = f"UPDATE {table} SET status = '{new}', version = version + 1 WHERE id = $1"  # noqa: S608
                    if await is_accepted(api_connection, statement, record_ids[table]):
                        accepted.add(f"{old} {new}")
    assert accepted <= allowed
    new_row_statuses = {
        "follow_ups": {"due", "held", "missed"},
        "support_sessions": {"planned", "held", "missed"},
    }
    arguments = await superuser_connection.fetchval(
        "SELECT tgargs FROM pg_trigger WHERE tgname = 'validate_change' AND tgrelid = to_regclass($1)", table
    )
    initial, *rules = arguments.decode().split("\0")[:-1]
    assert set(initial.split()) == new_row_statuses.get(table, {STATE_MACHINES[table].INITIAL_STATUS})
    changes = {change for rule in rules[::2] for change in rule.split(", ")}
    assert {change for change in changes if len(set(change.split())) == 2} == allowed


@pytest.mark.parametrize("status", ["draft", "returned", "submitted", "approved", "superseded"])
@pytest.mark.parametrize("table", PLAN_PARTS)
async def test_parts_of_a_plan_are_frozen_with_the_plan(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any, table: str, status: str
) -> None:
    # Catches: the trigger protect_plan_part missing from goals.
    await set_status(superuser_connection, record_ids, "care_plans", status)
    columns = PLAN_PARTS[table] - {"status"}
    expected = {
        "draft": columns,
        "returned": columns,
        "submitted": columns & PROGRESS,
        "approved": columns & PROGRESS,
        "superseded": set(),
    }[status]
    changeable = await list_changeable_columns(
        api_connection, superuser_connection, CALLERS, table, record_ids[table]
    )
    assert changeable == expected
    copy = f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'area', 'legal'))).* FROM {table} t WHERE id = $1"  # noqa: S608
    async with open_transaction_as(api_connection, "worker_north"):
        assert await is_accepted(api_connection, copy, record_ids[table]) == (status in {"draft", "returned"})
        foreign = copy.replace("'area', 'legal'", "'area', 'legal', 'plan_id', $2::uuid")
        other = await superuser_connection.fetchval(
            "SELECT id FROM care_plans WHERE id <> $1", record_ids["care_plans"]
        )
        assert not await is_accepted(api_connection, foreign, record_ids[table], other)


@pytest.mark.parametrize("table", CASE_TABLES)
async def test_records_of_a_closed_case_are_frozen(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any, table: str
) -> None:
    # Catches: `c.status <> 'closed'` removed from the policies of support_sessions.
    await set_status(superuser_connection, record_ids, "care_plans", "draft")
    for each, states in STATE_MACHINES.items():
        if each in CASE_TABLES:
            await set_status(superuser_connection, record_ids, each, states.INITIAL_STATUS)
    before = await list_changeable_columns(
        api_connection, superuser_connection, CALLERS, table, record_ids[table]
    )
    await set_status(superuser_connection, record_ids, "cases", "closed")
    after = await list_changeable_columns(
        api_connection, superuser_connection, CALLERS, table, record_ids[table]
    )
    assert before
    assert after == set()


@pytest.mark.parametrize(
    ("table", "column", "age"),
    [("support_sessions", "recorded_at", "25 hours"), ("clinical_notes", "created_at", "25 hours")],
)
async def test_record_is_frozen_after_24_hours_and_for_others(
    record_ids: dict[str, UUID],
    superuser_connection: Any,
    api_connection: Any,
    table: str,
    column: str,
    age: str,
) -> None:
    # Catches: '24 hours' changed to '24 days' in access.prevent_late_correction(); the author not compared.
    if table == "support_sessions":
        await set_status(superuser_connection, record_ids, table, "held")
    arguments = (api_connection, superuser_connection)
    assert await list_changeable_columns(*arguments, ["worker_north"], table, record_ids[table])
    others = ("supervisor_north", "worker_north_2", "manager")
    assert await list_changeable_columns(*arguments, others, table, record_ids[table]) == set()
    await superuser_connection.execute(f"UPDATE {table} SET {column} = now() - interval '{age}'")  # noqa: S608
    assert await list_changeable_columns(*arguments, ["worker_north"], table, record_ids[table]) == set()


async def test_final_rows_never_change(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: the trigger prevent_change_of_final_row missing from consents or from referral_questions.
    question = await superuser_connection.fetchval("SELECT id FROM referral_questions")
    final = {
        "consents": (record_ids["consents"], "withdrawn_at = now(), withdrawn_by_id = recorded_by_id"),
        "disbursement_details": (record_ids["disbursement_details"], "reason_encrypted = 'x'"),
        "referral_questions": (question, "answered_at = now(), answer_encrypted = 'x'"),
    }
    for table, (record_id, assignments) in final.items():
        version = "" if table == "referral_questions" else ", version = version + 1"
        change = f"UPDATE {table} SET {assignments}{version} WHERE id = $1"  # noqa: S608 - names of tables
        change = change.replace("recorded_by_id", f"'{id_of('worker_north')}'")
        async with open_transaction_as(api_connection, FINAL_ROW_CALLERS.get(table, "worker_north")):
            assert await is_accepted(api_connection, change, record_id), table
            await superuser_connection.execute(change, record_id)
            assert not await is_accepted(api_connection, change, record_id), table


async def test_persons_times_and_versions_cannot_be_forged(
    record_ids: dict[str, UUID], superuser_connection: Any, api_connection: Any
) -> None:
    # Catches: access.validate_change() without access.require_own_name(), require_own_time(), prevent_older_version().
    await set_status(superuser_connection, record_ids, "service_referrals", "draft")
    send = "UPDATE service_referrals SET status = 'sent', version = version + 1, sent_at = {at}, sent_by_id = '{by}' WHERE id = '{id}'"
    names = {"id": record_ids["service_referrals"], "by": id_of("worker_north"), "at": "now()"}
    forged = (
        {**names, "by": id_of("supervisor_north")},
        {**names, "at": "now() + interval '1 hour'"},
    )
    async with open_transaction_as(api_connection, "worker_north"):
        assert await is_accepted(api_connection, send.format(**names))
        await assert_statements_rejected(api_connection, *(send.format(**each) for each in forged))
        await assert_statements_rejected(
            api_connection,
            "UPDATE people SET version = version - 1",
            "UPDATE service_referrals SET updated_at = updated_at - interval '1 hour'",
            *(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), '{column}', '{id_of('manager')}'))).* FROM {table} t LIMIT 1"  # noqa: S608
                for table, column in {
                    "consents": "recorded_by_id",
                    "disbursements": "requested_by_id",
                }.items()
            ),
        )


async def test_acts_on_money_need_the_role(record_ids: dict[str, UUID], api_connection: Any) -> None:
    # Catches: the trigger validate_act missing from disbursements.
    names = {"fund": record_ids["funds"], "id": record_ids["disbursements"]}
    acts = {
        "approved": "approved_by_id = '{caller}', approved_at = now(), fund_id = '{fund}', line = 'general'",
        "paid": "paid_by_id = '{caller}', paid_at = now(), paid_on = current_date, fund_id = '{fund}'",
        "cancelled": "ended_by_id = '{caller}', ended_at = now()",
    }
    accepted = set()
    for caller in ("worker_north_2", "supervisor_north", "supervisor_south", "manager", "finance", "dpo"):
        async with open_transaction_as(api_connection, caller):
            for status, assignments in acts.items():
                change = f"UPDATE disbursements SET status = '{status}', version = version + 1, {assignments} WHERE id = '{{id}}'"  # noqa: S608
                if await is_accepted(api_connection, change.format(**names, caller=id_of(caller))):
                    accepted.add((caller, status))
    assert accepted == {
        ("supervisor_north", "approved"), ("manager", "approved"), ("finance", "paid"),
        ("worker_north_2", "cancelled"), ("supervisor_north", "cancelled"), ("manager", "cancelled"),
    }  # fmt: skip

"""Tests of forged writes in SQL: wrong authors, approvals without the act, and moves of records between children."""

import uuid
from typing import Any

import asyncpg
import pytest

from tests.support.case_lifecycle import assessment_payload, create_assessed_case, fill_care_plan
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json
from tests.support.sample_rows import insert_sample_rows
from tests.support.scenario import Scenario, id_of

CASE_TABLES = {"assessments", "care_plans", "plan_areas", "goals", "actions", "support_sessions", "clinical_notes", "legal_steps",
       "service_referrals", "reviews", "exit_plans", "follow_ups", "people"}  # fmt: skip
AUTHOR_COLUMNS = {
    "support_sessions": "author_id", "session_addenda": "author_id", "legal_steps": "author_id", "feedback": "author_id", "documents": "author_id",
    "service_referrals": "author_id", "case_history": "by_id",
}  # fmt: skip
"""Author column by table, for tables with many rows per case."""
UNIQUE_AUTHOR_COLUMNS = {
    "assessments": "author_id",
    "care_plans": "author_id",
    "clinical_notes": "author_id",
    "exit_plans": "author_id",
}
"""Author column by table, for tables that allow one such row per case; the policy rejects the row before the index."""


INSERT_APPROVED_EXIT_PLAN_SQL = """
    INSERT INTO exit_plans (id, created_at, updated_at, version, child_id, case_id, status, author_id, decided_by_id,
                            decided_at, content_encrypted, contributor_ids, conditions_met, conditions_unmet)
    VALUES ('{id}', now(), now(), 1, '{child}', '{case}', 'approved', '{author}', '{approver}', now(), 'x', '{{}}', '{{}}', '{{}}')
"""


async def test_record_cannot_be_moved_to_another_case(
    cluster: Cluster, scenario: Scenario, api_connection: Any
) -> None:
    # Catches: GRANT UPDATE ON goals TO firststep_api.
    case, other = await scenario.open_case(), await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    assignments = f"case_id = '{other['id']}', child_id = '{other['child_id']}'"
    for name in ("worker_north", "supervisor_north"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(
                api_connection,
                *(f"UPDATE {table} SET {assignments}" for table in sorted(CASE_TABLES)),  # noqa: S608 - names of tables
            )
            await assert_statements_rejected(
                api_connection,
                f"UPDATE cases SET child_id = '{other['child_id']}' WHERE id = '{case['id']}'",  # noqa: S608
                "UPDATE documents SET tier = 'case'",
                f"UPDATE clinical_notes SET author_id = '{id_of('supervisor_north')}'",  # noqa: S608
                "UPDATE care_plans SET contributor_ids = '{}'",
            )


async def test_row_with_another_author_is_rejected(
    cluster: Cluster, scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the policy author_is_caller missing from documents.
    case = await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    async with open_transaction_as(api_connection, "worker_north"):
        for table, column in {**AUTHOR_COLUMNS, **UNIQUE_AUTHOR_COLUMNS}.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with api_connection.transaction():
                    await api_connection.execute(build_copy_statement(table, column, "supervisor_north"))
        for table, column in AUTHOR_COLUMNS.items():
            assert (
                await api_connection.execute(build_copy_statement(table, column, "worker_north"))
                == "INSERT 0 1"
            ), table


def build_copy_statement(table: str, column: str, name: str) -> str:
    """Return the statement that copies a row with another author."""
    draft = ", 'status', 'draft'" if table in {"assessments", "care_plans"} else ""
    changes = f"jsonb_build_object('id', gen_random_uuid(), '{column}', '{id_of(name)}'{draft})"
    return f"INSERT INTO {table} SELECT (jsonb_populate_record(r, {changes})).* FROM {table} r LIMIT 1"  # noqa: S608


async def test_approval_without_the_act_is_rejected(scenario: Scenario, api_connection: Any) -> None:
    # Catches: the trigger validate_authorship missing from care_plans.
    case, assessment = await create_assessed_case(scenario)
    payload = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await scenario.worker_north.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    path = f"/v1/care-plans/{(await fill_care_plan(scenario, plan))['id']}"
    decision = f"decided_by_id = '{id_of('supervisor_north')}', decided_at = now()"
    approve = f"UPDATE care_plans SET status = 'approved', {decision}"  # noqa: S608 - an id
    for name in ("worker_north", "supervisor_north"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(api_connection, approve, f"UPDATE care_plans SET {decision}")  # noqa: S608 - an id
    expect_json(await scenario.worker_north.act(path, "submit"))
    for name in ("worker_north", "supervisor_both", "manager"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(
                api_connection, approve, "UPDATE care_plans SET status = 'draft'"
            )
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    for name in ("worker_north", "supervisor_north"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(
                api_connection,
                f"UPDATE care_plans SET decided_by_id = '{id_of('supervisor_both')}'",  # noqa: S608 - an id
                "UPDATE care_plans SET status = 'returned'",
            )
    ids = {
        "child": case["child_id"],
        "case": case["id"],
        "author": id_of("worker_north"),
        "approver": id_of("supervisor_north"),
    }
    statement = INSERT_APPROVED_EXIT_PLAN_SQL.format(id=uuid.uuid4(), **ids)
    async with open_transaction_as(api_connection, "worker_north"):
        await assert_statements_rejected(api_connection, statement)


async def test_supervisor_who_edited_a_returned_draft_cannot_approve_it(scenario: Scenario) -> None:
    # The triggers allow edits of a returned draft by the supervisor who returned it.
    case, worker, supervisor = await scenario.open_case(), scenario.worker_north, scenario.supervisor_north
    created = await worker.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{expect_json(created, 201)['id']}"
    expect_json(await worker.patch(path, assessment_payload(), etag=created.headers["etag"]))
    expect_json(await worker.act(path, "submit"))
    returned = await supervisor.act(path, "return", {"comment": "How does he sleep?"})
    expect_json(
        await supervisor.patch(path, {"risk_level": "high"}, etag=f'"{expect_json(returned)["version"]}"')
    )
    expect_json(await worker.act(path, "submit"))
    refused = await supervisor.act(path, "approve")
    assert (refused.status_code, [fault["code"] for fault in refused.json()["unmet"]]) == (409, ["own_work"])
    expect_json(await scenario.supervisor_both.act(path, "approve"))

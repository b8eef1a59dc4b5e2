"""Nobody writes in another's name, decides by hand, or moves a record from one child to another: not even in SQL."""

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

OWN = {"assessments", "care_plans", "plan_areas", "goals", "actions", "support_sessions", "clinical_notes", "legal_steps",
       "service_referrals", "reviews", "exit_plans", "follow_ups", "people"}  # fmt: skip
AUTHORED = {
    "support_sessions": "author_id", "session_addenda": "author_id", "legal_steps": "author_id", "documents": "author_id",
    "service_referrals": "author_id", "case_history": "by_id",
}  # fmt: skip
"""Tables of which a case may have many rows, and the column that says who wrote one."""
ALONE = {
    "assessments": "author_id",
    "care_plans": "author_id",
    "clinical_notes": "author_id",
    "exit_plans": "author_id",
}
"""The same, where another row would be one too many: refused before that is noticed."""


BORN_APPROVED = """
    INSERT INTO exit_plans (id, created_at, updated_at, version, child_id, case_id, status, author_id, decided_by_id,
                            decided_at, content_encrypted, contributor_ids)
    VALUES ('{id}', now(), now(), 1, '{child}', '{case}', 'approved', '{me}', '{other}', now(), 'x', '{{}}')
"""


async def test_a_record_never_moves_from_one_case_to_another_of_the_same_worker(
    cluster: Cluster, scenario: Scenario, api_connection: Any
) -> None:
    # Planted: GRANT UPDATE ON goals TO firststep_api.
    case, other = await scenario.open_case(), await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    there = f"case_id = '{other['id']}', child_id = '{other['child_id']}'"
    for name in ("worker_north", "supervisor_north"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(
                api_connection,
                *(f"UPDATE {table} SET {there}" for table in sorted(OWN)),  # noqa: S608 - our own tables
            )
            await assert_statements_rejected(
                api_connection,
                f"UPDATE cases SET child_id = '{other['child_id']}' WHERE id = '{case['id']}'",  # noqa: S608
                "UPDATE documents SET tier = 'case'",
                f"UPDATE clinical_notes SET author_id = '{id_of('supervisor_north')}'",  # noqa: S608
                "UPDATE care_plans SET contributor_ids = '{}'",
            )


async def test_nobody_writes_in_anothers_name(
    cluster: Cluster, scenario: Scenario, api_connection: Any
) -> None:
    # Planted: the policy author_is_caller left off documents.
    case = await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    async with open_transaction_as(api_connection, "worker_north"):
        for table, who in {**AUTHORED, **ALONE}.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with api_connection.transaction():
                    await api_connection.execute(again(table, who, "supervisor_north"))
        for table, who in AUTHORED.items():
            assert await api_connection.execute(again(table, who, "worker_north")) == "INSERT 0 1", table


def again(table: str, who: str, name: str) -> str:
    """Write a row again, as somebody's."""
    draft = ", 'status', 'draft'" if table in {"assessments", "care_plans"} else ""
    told = f"jsonb_build_object('id', gen_random_uuid(), '{who}', '{id_of(name)}'{draft})"
    return f"INSERT INTO {table} SELECT (jsonb_populate_record(r, {told})).* FROM {table} r LIMIT 1"  # noqa: S608


async def test_nothing_is_approved_by_hand(scenario: Scenario, api_connection: Any) -> None:
    # Planted: the trigger validate_authorship left off care_plans.
    case, assessment = await create_assessed_case(scenario)
    told = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await scenario.worker_north.post(f"/v1/cases/{case['id']}/care-plans", told), 201)
    path = f"/v1/care-plans/{(await fill_care_plan(scenario, plan))['id']}"
    by = f"decided_by_id = '{id_of('supervisor_north')}', decided_at = now()"
    approve = f"UPDATE care_plans SET status = 'approved', {by}"  # noqa: S608 - an id
    for name in ("worker_north", "supervisor_north"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(api_connection, approve, f"UPDATE care_plans SET {by}")  # noqa: S608 - same: a draft
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
    said = {
        "child": case["child_id"],
        "case": case["id"],
        "me": id_of("worker_north"),
        "other": id_of("supervisor_north"),
    }
    born = BORN_APPROVED.format(id=uuid.uuid4(), **said)
    async with open_transaction_as(api_connection, "worker_north"):
        await assert_statements_rejected(api_connection, born)


async def test_who_returned_a_draft_may_write_on_it_and_then_decides_no_more(scenario: Scenario) -> None:
    # Before: 500, for the database asked of a returned draft what it asks of an approved one.
    case, worker, supervisor = await scenario.open_case(), scenario.worker_north, scenario.supervisor_north
    made = await worker.post(f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"})
    path = f"/v1/assessments/{expect_json(made, 201)['id']}"
    expect_json(await worker.patch(path, assessment_payload(), etag=made.headers["etag"]))
    expect_json(await worker.act(path, "submit"))
    returned = await supervisor.act(path, "return", {"comment": "How does he sleep?"})
    expect_json(
        await supervisor.patch(path, {"risk_level": "high"}, etag=f'"{expect_json(returned)["version"]}"')
    )
    expect_json(await worker.act(path, "submit"))
    own = await supervisor.act(path, "approve")
    assert (own.status_code, [fault["code"] for fault in own.json()["unmet"]]) == (409, ["own_work"])
    expect_json(await scenario.supervisor_both.act(path, "approve"))

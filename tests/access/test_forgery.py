"""Nobody writes in another's name, decides by hand, or moves a record from one child to another: not even in SQL."""

import uuid
from typing import Any

import asyncpg
import pytest

from tests.access.conftest import furnish
from tests.access.intrusion import acting
from tests.conftest import Cluster
from tests.pathway import assessed, assessment_words, done, fill_plan
from tests.world import World, id_of

OWN = {"assessments", "care_plans", "plan_areas", "goals", "actions", "support_sessions", "clinical_notes", "legal_steps",
       "service_referrals", "reviews", "exit_plans", "follow_ups", "people"}  # fmt: skip
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)
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


async def refused(connection: Any, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(REFUSED):
            async with connection.transaction():
                pytest.fail(f"{statement}: {await connection.execute(statement)}")


async def test_a_record_never_moves_from_one_case_to_another_of_the_same_worker(
    cluster: Cluster, world: World, intruder: Any
) -> None:
    # Planted: GRANT UPDATE ON goals TO firststep_api.
    case, other = await world.case(), await world.case()
    await furnish(cluster, world, case, "worker_north")
    there = f"case_id = '{other['id']}', child_id = '{other['child_id']}'"
    for name in ("worker_north", "supervisor_north"):
        async with acting(intruder, name):
            await refused(intruder, *(f"UPDATE {table} SET {there}" for table in sorted(OWN)))  # noqa: S608
            await refused(
                intruder,
                f"UPDATE cases SET child_id = '{other['child_id']}' WHERE id = '{case['id']}'",  # noqa: S608
                "UPDATE documents SET tier = 'case'",
                f"UPDATE clinical_notes SET author_id = '{id_of('supervisor_north')}'",  # noqa: S608
                "UPDATE care_plans SET contributor_ids = '{}'",
            )


async def test_nobody_writes_in_anothers_name(cluster: Cluster, world: World, intruder: Any) -> None:
    # Planted: the policy author_is_caller left off documents.
    case = await world.case()
    await furnish(cluster, world, case, "worker_north")
    async with acting(intruder, "worker_north"):
        for table, who in {**AUTHORED, **ALONE}.items():
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with intruder.transaction():
                    await intruder.execute(again(table, who, "supervisor_north"))
        for table, who in AUTHORED.items():
            assert await intruder.execute(again(table, who, "worker_north")) == "INSERT 0 1", table


def again(table: str, who: str, name: str) -> str:
    """Write a row again, as somebody's."""
    draft = ", 'status', 'draft'" if table in {"assessments", "care_plans"} else ""
    told = f"jsonb_build_object('id', gen_random_uuid(), '{who}', '{id_of(name)}'{draft})"
    return f"INSERT INTO {table} SELECT (jsonb_populate_record(r, {told})).* FROM {table} r LIMIT 1"  # noqa: S608


async def test_nothing_is_approved_by_hand(world: World, intruder: Any) -> None:
    # Planted: the trigger validate_authorship left off care_plans.
    case, assessment = await assessed(world)
    told = {"subject": "child", "assessment_id": assessment["id"]}
    plan = done(await world.worker_north.post(f"/v1/cases/{case['id']}/care-plans", told), 201)
    path = f"/v1/care-plans/{(await fill_plan(world, plan))['id']}"
    by = f"decided_by_id = '{id_of('supervisor_north')}', decided_at = now()"
    approve = f"UPDATE care_plans SET status = 'approved', {by}"  # noqa: S608 - an id
    for name in ("worker_north", "supervisor_north"):
        async with acting(intruder, name):
            await refused(intruder, approve, f"UPDATE care_plans SET {by}")  # noqa: S608 - same: a draft
    done(await world.worker_north.act(path, "submit"))
    for name in ("worker_north", "supervisor_both", "manager"):
        async with acting(intruder, name):
            await refused(intruder, approve, "UPDATE care_plans SET status = 'draft'")
    done(await world.supervisor_north.act(path, "approve"))
    for name in ("worker_north", "supervisor_north"):
        async with acting(intruder, name):
            await refused(
                intruder,
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
    async with acting(intruder, "worker_north"):
        await refused(intruder, born)


async def test_who_returned_a_draft_may_write_on_it_and_then_decides_no_more(world: World) -> None:
    # Before: 500, for the database asked of a returned draft what it asks of an approved one.
    case, worker, supervisor = await world.case(), world.worker_north, world.supervisor_north
    made = await worker.post(f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"})
    path = f"/v1/assessments/{done(made, 201)['id']}"
    done(await worker.patch(path, assessment_words(), etag=made.headers["etag"]))
    done(await worker.act(path, "submit"))
    returned = await supervisor.act(path, "return", {"comment": "How does he sleep?"})
    done(await supervisor.patch(path, {"risk_level": "high"}, etag=f'"{done(returned)["version"]}"'))
    done(await worker.act(path, "submit"))
    own = await supervisor.act(path, "approve")
    assert (own.status_code, [fault["code"] for fault in own.json()["unmet"]]) == (409, ["own_work"])
    done(await world.supervisor_both.act(path, "approve"))

"""Functions that run with more privileges than their caller: each trusts only the secret of an open access event.

Every SECURITY DEFINER function that firststep_api can execute is in exactly one of the tables of this module. A new
function fails the first test until it is added.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.access.caller import OpenAccess
from app.access.log import BIND_ACCESS_SQL
from tests.support.raw_sql import open_access, open_transaction_as, set_access
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

ACCESS_FUNCTIONS: dict[str, tuple[str, str, str]] = {
    "children_share_worker": ("supervisor_both", "case.link", "SELECT access.children_share_worker('{child}', '{linked_child}')"),
    "context": ("worker_north", "case.read", "SELECT * FROM access.context()"),
    "cancel_open_follow_ups": ("worker_north", "referral.accept", "SELECT access.cancel_open_follow_ups('{child}')"),
    "duplicate_profiles": ("supervisor_north", "referral.match", "SELECT * FROM access.duplicate_profiles('{referral}', ARRAY['{child}'::uuid], '{{}}')"),
    "find_earlier_event": ("dpo", "access_log.read", "SELECT access.find_earlier_event(NULL, 0)"),
    "has_open_case": ("worker_north", "referral.accept", "SELECT access.has_open_case('{child}')"),
    "is_payment_date_confirmed": ("finance", "disbursement.pay", "SELECT access.is_payment_date_confirmed('{case}', '2026-11-02')"),
    "is_payment_rate_confirmed": ("finance", "disbursement.pay", "SELECT access.is_payment_rate_confirmed('{case}', 1)"),
    "find_payments_of_receipts": ("finance", "disbursement.pay", "SELECT access.find_payments_of_receipts('{case}', '{case}', ARRAY['{case}'::uuid])"),
    "has_opened_matches": ("supervisor_north", "referral.match", "SELECT access.has_opened_matches('{referral}', 'x')"),
    "find_case_limit_fault": ("finance", "disbursement.pay", "SELECT access.find_case_limit_fault('{case}', '{case}', 'pay_first_case_day', 'USD', 1, '2026-01-01')"),
    "is_within_limit": ("finance", "disbursement.pay", "SELECT access.is_within_limit('pay_first', 'USD', 1)"),
    "has_supervisor": ("manager", "assessment.decide", "SELECT access.has_supervisor('{case}', '{{}}')"),
    "is_merged_child": ("worker_north", "referral.accept", "SELECT access.is_merged_child('{merged_child}')"),
    "is_matched": ("supervisor_north", "referral.match", "SELECT access.is_matched('{referral}', 'x')"),
    "list_children_of_record": ("dpo", "access_log.read", "SELECT access.list_children_of_record('{case}')"),
    "list_children_in_log": ("dpo", "access_log.read_child", "SELECT access.list_children_in_log('{child}')"),
    "list_merge_obstacles": ("manager", "child.merge", "SELECT access.list_merge_obstacles('{child}', '{linked_child}')"),
    "list_unmerge_obstacles": ("manager", "child.unmerge", "SELECT access.list_unmerge_obstacles('{child}', '{linked_child}')"),
    "lock_cases_of_children": ("manager", "child.merge", "SELECT access.lock_cases_of_children(ARRAY['{child}'::uuid])"),
    "merge_children": ("manager", "child.merge", "SELECT access.merge_children('{kept_child}', '{other_child}')"),
    "list_consent_register": ("supervisor_north", "case.read", "SELECT * FROM access.list_consent_register('{child}')"),
    "list_payment_proofs": ("finance", "disbursement.pay", "SELECT * FROM access.list_payment_proofs('{case}', ARRAY['{case}'::uuid])"),
    "list_referral_records": ("dpo", "access_log.read", "SELECT access.list_referral_records('{child}')"),
    "list_records_without_approver": ("manager", "agenda.read", "SELECT * FROM access.list_records_without_approver()"),
    "list_uncompared_referrals": ("manager", "agenda.read", "SELECT * FROM access.list_uncompared_referrals()"),
    "list_searchable_contacts": ("supervisor_north", "child.change", "SELECT * FROM access.list_searchable_contacts('{child}')"),
    "list_unstaffed_cases": ("manager", "agenda.read", "SELECT access.list_unstaffed_cases()"),
    "possible_duplicates": ("supervisor_north", "referral.match", "SELECT * FROM access.possible_duplicates('{referral}', '{{1}}', '{{1}}')"),
    "read_finance_document": ("finance", "disbursement.read_document", "SELECT * FROM access.read_finance_document('{case}', '{case}')"),
    "record_matching": ("supervisor_north", "referral.match", "SELECT access.record_matching('{referral}', sha256('x'))"),
    "refresh_context": ("worker_north", "case.read", "SELECT access.refresh_context()"),
    "restore_follow_ups": ("manager", "referral.detach", "SELECT access.restore_follow_ups('{case}')"),
    "supersede_basis_confirmation": ("worker_north", "consent.withdraw", "SELECT access.supersede_basis_confirmation('{case}')"),
    "spending_by_month": ("finance", "fund.ledger", "SELECT * FROM access.spending_by_month('{case}', '2026-12-31')"),
    "unmerge_children": ("manager", "child.unmerge", "SELECT access.unmerge_children('{kept_child}', '{merged_child}')"),
    "update_last_contact": ("worker_north", "support_session.record", "SELECT access.update_last_contact('{case}')"),
    "violates_conflict_wall": ("supervisor_north", "case.assign", "SELECT access.violates_conflict_wall('{child}', ARRAY['{worker}'::uuid])"),
}  # fmt: skip
"""Functions that resolve the caller from the access of the transaction, with a caller, an act and a call."""
ACCOUNT_FUNCTIONS = {
    "activate_account", "change_own_password", "confirm_change", "count_remaining_work", "insert_api_client", "insert_api_client_secret",
    "insert_lower_approval_limit", "insert_rates_within_tolerance", "insert_user", "issue_initial_password", "rehash_own_password", "reject_change", "replace_own_settings",
    "replace_team_members", "request_change", "revoke_api_client_secret", "store_own_second_factor",
    "update_api_client", "update_user", "withdraw_change", "withdraw_pending_changes",
}  # fmt: skip
"""Functions that resolve the caller of the access before they look at their arguments, and require an act and a role."""
ENTRY = (
    "'{{allowed}}', '{{200}}', '{{1}}', '{{1}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}'"
)
SECRET_FUNCTIONS = {
    "conclude": f"SELECT access.conclude(ARRAY['{{event}}'::uuid], ARRAY['{{secret}}'::uuid], {ENTRY})",
    "conclude_rejected": "SELECT access.conclude_rejected('{event}', '{secret}', 'forbidden', 403, ARRAY['{case}'::uuid])",
}
"""Functions that take the id and the secret of an access."""
OPENING_FUNCTIONS = {
    "open": "SELECT access.open('{{anonymous}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{case.read}}', '{{by-hand-00}}', '{{NULL}}', '{{NULL}}')",
    "open_digest": "SELECT access.open_digest(NULL, 'x', 'by-hand-00')",
    "open_report_run": "SELECT access.open_report_run(NULL, 'x', 'report.read', 'by-hand-00')",
    "open_calendar_feed": "SELECT access.open_calendar_feed('x', 'by-hand-00', NULL, NULL)",
}  # fmt: skip
"""Functions that write the event of a new access."""
FUNCTIONS_WITHOUT_ACCESS = {
    "begin_session": "the proof needs the session key, which only the key ring contains",
    "can_act": "reads only columns of users that the API role can read",
    "get_target": "reads only targets, which the API role can read",
    "count_backlog": "returns numbers of the whole organisation, which tell nothing about a child",
    "create_log_partitions": "creates empty partitions",
    "delete_expired_rows": "deletes rows after a fixed time",
    "find_session_by_token": "needs the refresh token of the session",
    "raise_alerts": "writes alerts to the data protection officers and returns their number",
    "refresh_session": "needs the refresh token of the session",
    "register_session_key": "stores the first key only",
    "revoke_sessions": "ends sessions, which gives no access",
    "use_second_factor_code": "gives no access: it can invalidate codes, or restore an earlier second factor of the same user",
}
"""Functions that trust no access, each with the reason why that is safe."""
PREPARATION_SQL = (
    "UPDATE documents SET id = '{case}', kind = 'receipt', content_digest = sha256('x') WHERE tier = 'legal'",
    "UPDATE support_sessions SET status = 'held', held_at = now(), recorded_at = now() WHERE case_id = '{case}'",
    "INSERT INTO case_workers SELECT id, '{worker}', child_id, now() FROM cases WHERE child_id = '{child}'",
)
"""Adds a receipt, a held session and a worker who works with both linked children."""
COPY_CHILD_SQL = """
    INSERT INTO children SELECT (jsonb_populate_record(h, jsonb_build_object('id', $2::uuid))).* FROM children h WHERE id = $1
"""
COPY_CASE_SQL = """
    INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', $3::uuid, 'child_id', $2::uuid, 'status', 'closed', 'number', $3::text))).* FROM cases c WHERE id = $1
"""
MERGE_SQL = """
    WITH merged AS (UPDATE children SET merged_into_id = $2 WHERE id = $1)
    INSERT INTO child_merges (id, kept_child_id, merged_child_id, case_ids, merged_by_id, merged_at)
    VALUES (gen_random_uuid(), $2, $1, ARRAY[$3::uuid], $4, now())
"""
EXECUTABLE_DEFINERS_QUERY = """
    SELECT p.proname::text FROM pg_proc p
     WHERE p.prosecdef AND p.pronamespace::regnamespace::text IN ('access', 'ledger', 'public')
       AND p.prorettype <> 'trigger'::regtype AND has_function_privilege('firststep_api', p.oid, 'EXECUTE')
"""

CALL_WITH_NULL_QUERY = """
    SELECT format('SELECT access.%I(%s)', proname, (
               SELECT string_agg(format('NULL::%s', format_type(type, NULL)), ', ') FROM unnest(proargtypes) AS type))
      FROM pg_proc WHERE pronamespace = 'access'::regnamespace AND proname = $1
"""


@pytest.fixture
async def names(populated_database: PopulatedDatabase, superuser_connection: Any) -> Mapping[str, object]:
    """The ids that the calls refer to. The records are changed so that each function has an answer for some caller."""
    database = populated_database
    case_id, linked_child_id = UUID(database.north_case["id"]), UUID(database.linked_case["child_id"])
    for statement in PREPARATION_SQL:
        await superuser_connection.execute(
            statement.format(case=case_id, child=linked_child_id, worker=id_of("worker_north"))
        )
    return {
        **await create_children_to_merge(superuser_connection, database),
        "case": database.north_case["id"],
        "child": database.north_case["child_id"],
        "linked_child": database.linked_case["child_id"],
        "referral": database.referral["id"],
        "worker": id_of("worker_south"),
    }


async def create_children_to_merge(superuser: Any, database: PopulatedDatabase) -> dict[str, UUID]:
    """Create a child with two cases, one of which belonged to a child that is merged into it, and a child with a case."""
    source_case, source_child = UUID(database.north_case["id"]), UUID(database.north_case["child_id"])
    kept, merged, other, moved_case = [uuid4() for _ in range(4)]
    for child_id in (kept, merged, other):
        await superuser.execute(COPY_CHILD_SQL, source_child, child_id)
    for child_id, case_id in ((kept, uuid4()), (kept, moved_case), (other, uuid4())):
        await superuser.execute(COPY_CASE_SQL, source_case, child_id, case_id)
    await superuser.execute(MERGE_SQL, merged, kept, moved_case, id_of("manager"))
    return {"kept_child": kept, "merged_child": merged, "other_child": other}


async def test_every_executable_definer_function_is_classified(
    names: Mapping[str, object], superuser_connection: Any
) -> None:
    # Catches: GRANT EXECUTE ON FUNCTION access.resolve_user(uuid) TO firststep_api.
    del names
    functions = [row[0] for row in await superuser_connection.fetch(EXECUTABLE_DEFINERS_QUERY)]
    classified = [
        *ACCESS_FUNCTIONS,
        *ACCOUNT_FUNCTIONS,
        *SECRET_FUNCTIONS,
        *OPENING_FUNCTIONS,
        *FUNCTIONS_WITHOUT_ACCESS,
    ]
    assert sorted(functions) == sorted(classified)


@pytest.mark.parametrize("function", ACCESS_FUNCTIONS)
async def test_function_rejects_a_wrong_secret_and_asynchronous_commit(
    names: Mapping[str, object], api_connection: Any, function: str
) -> None:
    # Catches: access.context() without the comparison of the secret, or without the check of the setting; and
    # update_last_contact() with `EXISTS (SELECT FROM public.access_contexts)`.
    caller, act, call = ACCESS_FUNCTIONS[function]
    statement = call.format(**names)
    access = await open_access(api_connection, caller, act)
    for event_id, secret in ((access.event_id, uuid4()), (uuid4(), access.secret)):
        async with api_connection.transaction():
            await set_access(api_connection, OpenAccess(event_id, secret))
            with pytest.raises(
                asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"
            ):
                await api_connection.fetch(statement)
    async with api_connection.transaction():
        await set_access(api_connection, access)
        await api_connection.execute("SET LOCAL synchronous_commit = off")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            await api_connection.fetch(statement)
    async with api_connection.transaction():
        await set_access(api_connection, access)
        await api_connection.fetch(statement)


@pytest.mark.parametrize("function", sorted(ACCOUNT_FUNCTIONS))
async def test_account_function_rejects_a_wrong_secret_asynchronous_commit_and_another_act(
    scenario: Scenario, api_connection: Any, superuser_connection: Any, function: str
) -> None:
    # Catches: access.insert_user() without access.require_caller().
    del scenario
    statement = await superuser_connection.fetchval(CALL_WITH_NULL_QUERY, function)
    access = await open_access(api_connection, "admin")
    async with api_connection.transaction():
        await set_access(api_connection, OpenAccess(access.event_id, uuid4()))
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            await api_connection.execute(statement)
    async with api_connection.transaction():
        await set_access(api_connection, access)
        await api_connection.execute("SET LOCAL synchronous_commit = off")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            await api_connection.execute(statement)
    for setting in (access.setting, ""):
        async with api_connection.transaction():
            await api_connection.execute(BIND_ACCESS_SQL, setting)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the caller may not do this"):
                await api_connection.execute(statement)


@pytest.mark.parametrize("function", SECRET_FUNCTIONS)
async def test_conclusion_rejects_a_wrong_secret_and_asynchronous_commit(
    names: Mapping[str, object], api_connection: Any, function: str
) -> None:
    # Catches: access.conclude() without the comparison of the secret, or without access.require_durable_commit().
    access = await open_access(api_connection, "worker_north")
    call = SECRET_FUNCTIONS[function]
    for event_id, secret in ((access.event_id, uuid4()), (uuid4(), access.secret)):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            await api_connection.execute(call.format(**names, event=event_id, secret=secret))
    statement = call.format(**names, event=access.event_id, secret=access.secret)
    await assert_durable_commit_required(api_connection, statement)
    await api_connection.execute(statement)


@pytest.mark.parametrize("function", OPENING_FUNCTIONS)
async def test_opening_rejects_asynchronous_commit(
    names: Mapping[str, object], api_connection: Any, function: str
) -> None:
    # Catches: access.open_calendar_feed() without access.require_durable_commit().
    statement = OPENING_FUNCTIONS[function].format(**names)
    await assert_durable_commit_required(api_connection, statement)
    await api_connection.execute(statement)


async def assert_durable_commit_required(connection: Any, statement: str) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="synchronous_commit"):
            await connection.execute(statement)


@pytest.mark.parametrize(
    ("function", "caller", "act"),
    [
        ("violates_conflict_wall", "supervisor_north", "case.read"),
        ("violates_conflict_wall", "supervisor_south", "case.assign"),
        ("violates_conflict_wall", "partner_one", "referral.accept"),
        ("children_share_worker", "supervisor_both", "case.read"),
        ("is_merged_child", "manager", "case.read"),
        ("is_merged_child", "partner_one", "referral.accept"),
        ("children_share_worker", "supervisor_north", "case.link"),
        ("has_open_case", "manager", "case.read"),
        ("has_open_case", "supervisor_south", "case.reopen"),
        ("list_consent_register", "worker_south", "case.read"),
        ("list_consent_register", "partner_one", "referral.accept"),
        ("list_payment_proofs", "finance", "disbursement.read"),
        ("list_payment_proofs", "manager", "disbursement.pay"),
        ("update_last_contact", "worker_south", "support_session.record"),
        ("list_searchable_contacts", "worker_south", "child.change"),
        ("list_searchable_contacts", "worker_north", "child.change"),  # behind a conflict wall, like its case
        ("list_searchable_contacts", "partner_one", "referral.accept"),
        ("duplicate_profiles", "supervisor_south", "referral.match"),
        ("duplicate_profiles", "supervisor_north", "case.read"),
    ],
)
async def test_function_answers_only_within_the_act_it_serves(
    names: Mapping[str, object],
    api_connection: Any,
    superuser_connection: Any,
    function: str,
    caller: str,
    act: str,
) -> None:
    # Catches: the condition on the act, or access.can_read_case_of_child(), removed from each function.
    served_caller, served_act, call = ACCESS_FUNCTIONS[function]
    statement = call.format(**names)
    state = "SELECT last_contact_on FROM cases WHERE id = $1"
    assert await fetch_answers(api_connection, caller, act, statement) == []
    assert await superuser_connection.fetchval(state, UUID(str(names["case"]))) is None
    served = await fetch_answers(api_connection, served_caller, served_act, statement)
    assert served or function == "update_last_contact", "the function answers no caller"


async def fetch_answers(connection: Any, caller: str, act: str, statement: str) -> list[Any]:
    """Return the answers of a function other than NULL, false, zero and the empty text of a void function."""
    async with open_transaction_as(connection, caller, act):
        return [row for row in await connection.fetch(statement) if row[0]]

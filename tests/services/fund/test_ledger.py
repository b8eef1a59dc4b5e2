"""Rules of the ledger that the database enforces, tested with SQL as the role of the API."""

import uuid
from datetime import date
from typing import Any

import asyncpg
import pytest

from tests.support.raw_sql import open_access, set_access
from tests.support.scenario import Scenario, id_of

DAY = date(2026, 11, 2)
ENTRY = (
    "INSERT INTO ledger_entries (id, created_at, transaction_id, account_id, fund_id, amount)"
    " VALUES (gen_random_uuid(), now(), $1, $2, $3, $4)"
)


class LedgerWriter:
    """Writes ledger entries of one fund, which starts with 100 minor units available."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.fund = uuid.uuid4()
        self.accounts: dict[str, uuid.UUID] = {}

    async def create_fund(self, currency: str = "USD") -> None:
        await self.connection.execute(
            "INSERT INTO funds (id, created_at, version, name, donor, currency, starts_on, categories, lines,"
            " province_codes, status, updated_at) VALUES ($1, now(), 1, $2, 'Donor', $3, '2026-01-01', '{}', '{}', '{}',"
            " 'open', now())",
            self.fund, f"Fund {self.fund}", currency,
        )  # fmt: skip
        for kind in ("donor", "available", "reserved"):
            self.accounts[kind] = await self.create_account(kind, currency)
        await self.post({"donor": -100, "available": 100})

    async def create_account(self, kind: str, currency: str, balance: int = 0) -> uuid.UUID:
        account_id = uuid.uuid4()
        await self.connection.execute(
            "INSERT INTO ledger_accounts (id, fund_id, line, kind, currency, balance)"
            " VALUES ($1, $2, 'general', $3, $4, $5)",
            account_id, self.fund, kind, currency, balance,
        )  # fmt: skip
        return account_id

    async def create_transaction(self, on: date = DAY) -> uuid.UUID:
        transaction_id = uuid.uuid4()
        await self.connection.execute(
            'INSERT INTO ledger_transactions (id, created_at, kind, "on", fund_id, by_id)'
            " VALUES ($1, now(), 'closing', $2, $3, $4)",
            transaction_id, on, self.fund, id_of("finance"),
        )  # fmt: skip
        return transaction_id

    async def post(self, amounts: dict[str, int], on: date = DAY) -> uuid.UUID:
        async with self.connection.transaction():
            transaction_id = await self.create_transaction(on)
            for kind, amount in amounts.items():
                await self.connection.execute(ENTRY, transaction_id, self.accounts[kind], self.fund, amount)
        return transaction_id

    async def post_to_other_fund(
        self,
        transaction_id: uuid.UUID | None,
        source_account_id: uuid.UUID,
        target: tuple[uuid.UUID, uuid.UUID],
    ) -> None:
        """Post 5 minor units from an account of this fund to an account (its id and its fund's id) of any fund."""
        async with self.connection.transaction():
            transaction_id = transaction_id or await self.create_transaction()
            await self.connection.execute(ENTRY, transaction_id, source_account_id, self.fund, -5)
            await self.connection.execute(ENTRY, transaction_id, *target, 5)

    async def get_balances(self) -> dict[str, int]:
        rows = await self.connection.fetch(
            "SELECT kind, balance FROM ledger_accounts WHERE fund_id = $1", self.fund
        )
        return dict(map(tuple, rows))


@pytest.fixture
async def ledger(api_connection: Any) -> LedgerWriter:
    writer = LedgerWriter(api_connection)
    await writer.create_fund()
    return writer


async def test_balances_follow_entries_and_cannot_be_overdrawn(
    ledger: LedgerWriter, superuser_connection: Any
) -> None:
    await ledger.post({"available": -60, "reserved": 60})
    assert await ledger.get_balances() == {"donor": -100, "available": 40, "reserved": 60}
    with pytest.raises(asyncpg.CheckViolationError, match="not_overdrawn"):
        await ledger.post({"available": -41, "reserved": 41})
    assert await ledger.get_balances() == {"donor": -100, "available": 40, "reserved": 60}
    assert await ledger.connection.fetch("SELECT * FROM ledger.balance_differences()") == []
    await superuser_connection.execute("UPDATE ledger_accounts SET balance = 41 WHERE kind = 'available'")
    (difference,) = await ledger.connection.fetch(
        "SELECT stored, recomputed FROM ledger.balance_differences()"
    )
    assert tuple(difference) == (41, 40)


async def test_unbalanced_transaction_is_rejected_at_commit(ledger: LedgerWriter) -> None:
    for amounts in ({"available": 5}, {"available": -5, "reserved": 4}, {}):
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            await ledger.post(amounts)
    khr_ledger = LedgerWriter(ledger.connection)
    await khr_ledger.create_fund("KHR")
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        # 5 cents and 5 riel do not balance.
        await ledger.post_to_other_fund(
            None, ledger.accounts["available"], (khr_ledger.accounts["available"], khr_ledger.fund)
        )
    assert (await ledger.get_balances())["available"] == (await khr_ledger.get_balances())["available"] == 100


async def test_ledger_rows_cannot_be_changed_or_added_later(
    ledger: LedgerWriter, owner_connection: Any
) -> None:
    transaction_id = await ledger.post({"available": -10, "reserved": 10})
    for statement in (
        "UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries",
        "UPDATE ledger_transactions SET reference = 'x'", "DELETE FROM ledger_transactions",
        "UPDATE ledger_accounts SET balance = 1000000", "DELETE FROM ledger_accounts",
        "INSERT INTO ledger_transactions (id, xid) VALUES (gen_random_uuid(), '5')",
        "DELETE FROM books_closings", "UPDATE approval_limits SET amount = 1",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.connection.execute(statement)
    for statement in ("UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_transactions"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner_connection.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner_connection.execute("TRUNCATE ledger_entries")
    with pytest.raises(asyncpg.CheckViolationError, match="together with its ledger transaction"):
        await ledger.post_to_other_fund(
            transaction_id, ledger.accounts["available"], (ledger.accounts["reserved"], ledger.fund)
        )
    with pytest.raises(asyncpg.CheckViolationError, match="must be empty"):
        await ledger.create_account("spent", "USD", 500)
    with pytest.raises(asyncpg.CheckViolationError, match="currency of its fund"):
        await ledger.create_account("spent", "KHR")


async def close_books(ledger: LedgerWriter, until: str) -> None:
    access = await open_access(ledger.connection, "finance")
    async with ledger.connection.transaction():
        await set_access(ledger.connection, access)
        await ledger.connection.execute(
            "INSERT INTO books_closings (id, created_at, version, until, closed_by_id)"
            " VALUES (gen_random_uuid(), now(), 1, $1::text::date, $2)",
            until,
            id_of("finance"),
        )


async def test_transaction_in_closed_period_is_rejected(ledger: LedgerWriter, scenario: Scenario) -> None:
    assert scenario.database
    await close_books(ledger, "2026-10-31")
    await ledger.post({"available": -1, "reserved": 1}, on=date(2026, 11, 1))
    with pytest.raises(asyncpg.CheckViolationError, match="closed"):
        await ledger.post({"available": -1, "reserved": 1}, on=date(2026, 10, 31))
    with pytest.raises(asyncpg.CheckViolationError, match="closed"):
        await close_books(ledger, "2026-09-30")


async def start_transaction_with_id(connection: Any, xid: int) -> Any:
    """Begin the transaction with a transaction id that is not assigned yet, by rolling back those before it."""
    while True:
        transaction = connection.transaction()
        await transaction.start()
        current = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
        if current >= xid:
            assert current == xid, "another session took the id"
            return transaction
        await transaction.rollback()


async def test_entry_is_rejected_if_a_restored_transaction_has_the_id_of_the_current_one(
    ledger: LedgerWriter, superuser_connection: Any
) -> None:
    # Catches: the comparison of the ages removed. A restore into a new cluster begins with small transaction ids again.
    transaction_id = await ledger.post({"available": -10, "reserved": 10})
    async with superuser_connection.transaction():
        await superuser_connection.execute("SET LOCAL session_replication_role = replica")
        xid = 3 + await superuser_connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
        update = "UPDATE ledger_transactions SET xid = $1::text::xid8 WHERE id = $2"
        await superuser_connection.execute(update, str(xid), transaction_id)
    transaction = await start_transaction_with_id(ledger.connection, xid)
    with pytest.raises(asyncpg.CheckViolationError, match="together with its ledger transaction"):
        await ledger.post_to_other_fund(
            transaction_id, ledger.accounts["available"], (ledger.accounts["reserved"], ledger.fund)
        )
    await transaction.rollback()


async def test_entries_can_follow_a_ledger_transaction_of_a_savepoint(ledger: LedgerWriter) -> None:
    async with ledger.connection.transaction():
        async with ledger.connection.transaction():
            transaction_id = await ledger.create_transaction()
        for kind, amount in {"available": -10, "reserved": 10}.items():
            await ledger.connection.execute(ENTRY, transaction_id, ledger.accounts[kind], ledger.fund, amount)
    assert (await ledger.get_balances())["reserved"] == 10

"""The ledger, tried by hand over the API's own database role: what no service may do wrong, PostgreSQL refuses."""

import uuid
from datetime import date
from typing import Any

import asyncpg
import pytest

from tests.support.scenario import Scenario, id_of

DAY = date(2026, 11, 2)
ENTRY = (
    "INSERT INTO ledger_entries (id, created_at, transaction_id, account_id, fund_id, amount)"
    " VALUES (gen_random_uuid(), now(), $1, $2, $3, $4)"
)


class Books:
    """A fund of 100 cents in the database, and hands that write on its ledger."""

    def __init__(self, hand: Any) -> None:
        self.hand = hand
        self.fund = uuid.uuid4()
        self.accounts: dict[str, uuid.UUID] = {}

    async def open(self, currency: str = "USD") -> None:
        await self.hand.execute(
            "INSERT INTO funds (id, created_at, version, name, donor, currency, starts_on, categories, lines,"
            " province_codes, status, updated_at) VALUES ($1, now(), 1, $2, 'Donor', $3, '2026-01-01', '{}', '{}', '{}',"
            " 'open', now())",
            self.fund, f"Fund {self.fund}", currency,
        )  # fmt: skip
        for kind in ("donor", "available", "reserved"):
            self.accounts[kind] = await self.account(kind, currency)
        await self.move({"donor": -100, "available": 100})

    async def account(self, kind: str, currency: str, balance: int = 0) -> uuid.UUID:
        made = uuid.uuid4()
        await self.hand.execute(
            "INSERT INTO ledger_accounts (id, fund_id, line, kind, currency, balance)"
            " VALUES ($1, $2, 'general', $3, $4, $5)",
            made, self.fund, kind, currency, balance,
        )  # fmt: skip
        return made

    async def begin(self, on: date = DAY) -> uuid.UUID:
        made = uuid.uuid4()
        await self.hand.execute(
            'INSERT INTO ledger_transactions (id, created_at, kind, "on", fund_id, by_id)'
            " VALUES ($1, now(), 'deposit', $2, $3, $4)",
            made, on, self.fund, id_of("finance"),
        )  # fmt: skip
        return made

    async def move(self, amounts: dict[str, int], on: date = DAY) -> uuid.UUID:
        async with self.hand.transaction():
            made = await self.begin(on)
            for kind, amount in amounts.items():
                await self.hand.execute(ENTRY, made, self.accounts[kind], self.fund, amount)
        return made

    async def both(
        self, made: uuid.UUID | None, taking: uuid.UUID, giving: "tuple[uuid.UUID, uuid.UUID]"
    ) -> None:
        """Take five from an account of this fund and give five to an account of another, or of this."""
        async with self.hand.transaction():
            made = made or await self.begin()
            await self.hand.execute(ENTRY, made, taking, self.fund, -5)
            await self.hand.execute(ENTRY, made, *giving, 5)

    async def balances(self) -> dict[str, int]:
        rows = await self.hand.fetch(
            "SELECT kind, balance FROM ledger_accounts WHERE fund_id = $1", self.fund
        )
        return dict(map(tuple, rows))


@pytest.fixture
async def books(api_connection: Any) -> Books:
    made = Books(api_connection)
    await made.open()
    return made


async def test_balances_follow_the_entries_and_are_never_overdrawn(
    books: Books, superuser_connection: Any
) -> None:
    await books.move({"available": -60, "reserved": 60})
    assert await books.balances() == {"donor": -100, "available": 40, "reserved": 60}
    with pytest.raises(asyncpg.CheckViolationError, match="not_overdrawn"):
        await books.move({"available": -41, "reserved": 41})
    assert await books.balances() == {"donor": -100, "available": 40, "reserved": 60}
    assert await books.hand.fetch("SELECT * FROM ledger.balance_differences()") == []
    await superuser_connection.execute("UPDATE ledger_accounts SET balance = 41 WHERE kind = 'available'")
    (wrong,) = await books.hand.fetch("SELECT stored, recomputed FROM ledger.balance_differences()")
    assert tuple(wrong) == (41, 40)


async def test_what_does_not_balance_does_not_commit(books: Books) -> None:
    for amounts in ({"available": 5}, {"available": -5, "reserved": 4}, {}):
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            await books.move(amounts)
    riel = Books(books.hand)
    await riel.open("KHR")
    with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
        # Five cents are not five riel.
        await books.both(None, books.accounts["available"], (riel.accounts["available"], riel.fund))
    assert (await books.balances())["available"] == (await riel.balances())["available"] == 100


async def test_nothing_is_changed_or_added_later(books: Books, owner_connection: Any) -> None:
    made = await books.move({"available": -10, "reserved": 10})
    for statement in (
        "UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries",
        "UPDATE ledger_transactions SET reference = 'x'", "DELETE FROM ledger_transactions",
        "UPDATE ledger_accounts SET balance = 1000000", "DELETE FROM ledger_accounts",
        "INSERT INTO ledger_transactions (id, xid) VALUES (gen_random_uuid(), '5')",
        "DELETE FROM books_closings", "UPDATE approval_limits SET amount = 1",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await books.hand.execute(statement)
    for statement in ("UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_transactions"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner_connection.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner_connection.execute("TRUNCATE ledger_entries")
    with pytest.raises(asyncpg.CheckViolationError, match="together with its ledger transaction"):
        await books.both(made, books.accounts["available"], (books.accounts["reserved"], books.fund))
    with pytest.raises(asyncpg.CheckViolationError, match="must be empty"):
        await books.account("spent", "USD", 500)
    with pytest.raises(asyncpg.CheckViolationError, match="currency of its fund"):
        await books.account("spent", "KHR")


async def test_a_closed_period_accepts_nothing(books: Books, scenario: Scenario) -> None:
    await books.hand.execute(
        "INSERT INTO books_closings (id, created_at, version, until, closed_by_id)"
        " VALUES (gen_random_uuid(), now(), 1, '2026-10-31', $1)",
        id_of("finance"),
    )
    assert scenario.database
    await books.move({"available": -1, "reserved": 1}, on=date(2026, 11, 1))
    with pytest.raises(asyncpg.CheckViolationError, match="closed"):
        await books.move({"available": -1, "reserved": 1}, on=date(2026, 10, 31))
    with pytest.raises(asyncpg.CheckViolationError, match="closed"):
        await books.hand.execute(
            "INSERT INTO books_closings (id, created_at, version, until, closed_by_id)"
            " VALUES (gen_random_uuid(), now(), 1, '2026-09-30', $1)",
            id_of("finance"),
        )

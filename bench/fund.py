"""The fund's figures: payments a second through the whole house, and a statement over 100,000 entries.

`python -m bench.fund` starts a demonstration of its own with two processes and a durable PostgreSQL, and takes it away.
"""

import asyncio
import json
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from bench.report import describe_machine
from tests.support.finance_clients import FinanceClients, open_finance_clients
from tests.support.fund import payment_payload, usd
from tests.support.server_process import ServerProcess, temporary_home

RESULTS_FILE = Path(__file__).parent / "results" / "fund.json"
PAYMENT_COUNT = 400
ENTRY_COUNT = 100_000
TRANSACTIONS_PER_COMMIT = 500
"""Transactions of the ledger written together: a balance that changes too often before a commit drags its old versions."""
REPEATS = 10
INSERT_TRANSACTIONS_SQL = """
    WITH made AS (
        INSERT INTO ledger_transactions (id, created_at, kind, "on", fund_id, by_id)
        SELECT gen_random_uuid(), now(), 'reconciliation', '2026-01-01'::date + n % 300, $1, t.by_id
          FROM generate_series(1, $2) n, (SELECT by_id FROM ledger_transactions WHERE fund_id = $1 LIMIT 1) t
        RETURNING id)
    SELECT array_agg(id) FROM made
"""
INSERT_ENTRIES_SQL = """
    INSERT INTO ledger_entries (id, created_at, transaction_id, account_id, fund_id, amount)
    SELECT gen_random_uuid(), now(), t.id, a.id, a.fund_id, CASE a.kind WHEN 'spent' THEN 1 ELSE -1 END
      FROM unnest($2::uuid[]) t (id)
      JOIN ledger_accounts a ON a.fund_id = $1 AND a.line = 'general' AND a.kind IN ('available', 'spent')
"""


async def measure_latencies(desk: FinanceClients, path: str) -> list[float]:
    """Milliseconds of each of some requests, one after the other."""
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        answer = await desk.finance.get(path)
        answer.raise_for_status()
        found.append(1000 * (time.perf_counter() - begun))
    return found


async def measure_approvals_and_payments(desk: FinanceClients) -> dict[str, float]:
    """Approvals and payments a second, as many at once as there are connections."""
    money = await desk.create_fund(usd("100000.00"))
    wishes = await desk.create_disbursements([usd("12.50")] * PAYMENT_COUNT)
    begun = time.perf_counter()
    approved = await asyncio.gather(
        *(
            desk.act_on_disbursement("supervisor", what, "approve", {"fund_id": money["id"]})
            for what in wishes
        )
    )
    halfway = time.perf_counter()
    paid = await asyncio.gather(
        *(
            desk.act_on_disbursement(
                "finance", answer.json(), "pay", payment_payload(), key=answer.json()["id"]
            )
            for answer in approved
        )
    )
    ended = time.perf_counter()
    for answer in (*approved, *paid):
        answer.raise_for_status()
    return {
        "approvals_per_second": round(PAYMENT_COUNT / (halfway - begun), 1),
        "payments_per_second": round(PAYMENT_COUNT / (ended - halfway), 1),
    }


async def measure_statements(desk: FinanceClients, served: ServerProcess) -> dict[str, Any]:
    """Milliseconds of a statement, its files, a page of the ledger and the check, of a fund with many entries."""
    money = await desk.create_fund(usd("100000.00"))
    hand = await asyncpg.connect(served.demo_data["database"]["api"])
    await hand.execute("SET statement_timeout = '60s'")
    for _ in range(ENTRY_COUNT // 2 // TRANSACTIONS_PER_COMMIT):
        async with hand.transaction():
            made = await hand.fetchval(INSERT_TRANSACTIONS_SQL, money["id"], TRANSACTIONS_PER_COMMIT)
            await hand.execute(INSERT_ENTRIES_SQL, money["id"], made)
    await hand.close()
    here = f"/v1/funds/{money['id']}"
    paths = {
        "statement_ms": f"{here}/statements/2026-01-01/2026-12-31",
        "statement_xlsx_ms": f"{here}/statements/2026-01-01/2026-12-31/statement.xlsx",
        "statement_pdf_ms": f"{here}/statements/2026-01-01/2026-12-31/statement.pdf",
        "ledger_page_ms": f"{here}/ledger?limit=50",
        "ledger_check_ms": "/v1/ledger-check",
    }
    return {
        name: round(statistics.median(await measure_latencies(desk, path)), 1) for name, path in paths.items()
    }


async def main() -> None:
    """Measure, print the figures as JSON, and keep them."""
    with temporary_home() as folder:
        served = ServerProcess(folder / "var", FIRSTSTEP_WORKERS="2", FIRSTSTEP_REQUESTS_PER_MINUTE="1000000")
        with served.running():
            async with open_finance_clients(served) as desk:
                figures = {
                    **await measure_approvals_and_payments(desk),
                    "entries": ENTRY_COUNT,
                    **await measure_statements(desk, served),
                }
    found = {"date": date.today().isoformat(), "machine": describe_machine(), **figures}  # noqa: DTZ011 - of this machine
    RESULTS_FILE.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    asyncio.run(main())

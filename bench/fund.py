"""Measure the fund: payments per second, and statements of a fund with 100,000 ledger entries.

`python -m bench.fund` creates a temporary demonstration with two processes and a durable PostgreSQL server.
"""

import asyncio
import json
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import typer

from bench.report import describe_machine
from tests.support.finance_clients import FinanceClients, open_finance_clients
from tests.support.fund import payment_payload, usd
from tests.support.server_process import ServerProcess, temporary_home

RESULTS_FILE = Path(__file__).parent / "results" / "fund.json"
PAYMENT_COUNT = 400
ENTRY_COUNT = 100_000
TRANSACTIONS_PER_COMMIT = 500
"""Ledger transactions per commit. Many updates of one balance in one commit are slow, because its old row versions remain."""
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


async def measure_latencies(clients: FinanceClients, path: str) -> list[float]:
    """Send sequential requests, and return the latency of each in milliseconds."""
    latencies = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        response = await clients.finance.get(path)
        response.raise_for_status()
        latencies.append(1000 * (time.perf_counter() - started))
    return latencies


async def measure_approvals_and_payments(clients: FinanceClients) -> dict[str, float]:
    """Return the approvals and payments per second, with concurrent requests on all connections."""
    fund = await clients.create_fund(usd("100000.00"))
    disbursements = await clients.create_disbursements([usd("12.50")] * PAYMENT_COUNT)
    started = time.perf_counter()
    approvals = await asyncio.gather(
        *(
            clients.act_on_disbursement("supervisor", disbursement, "approve", {"fund_id": fund["id"]})
            for disbursement in disbursements
        )
    )
    approved = time.perf_counter()
    payments = await asyncio.gather(
        *(
            clients.act_on_disbursement(
                "finance", approval.json(), "pay", payment_payload(), key=approval.json()["id"]
            )
            for approval in approvals
        )
    )
    paid = time.perf_counter()
    for response in (*approvals, *payments):
        response.raise_for_status()
    return {
        "approvals_per_second": round(PAYMENT_COUNT / (approved - started), 1),
        "payments_per_second": round(PAYMENT_COUNT / (paid - approved), 1),
    }


async def measure_statements(clients: FinanceClients, server: ServerProcess) -> dict[str, Any]:
    """Return the median latency of statements, a ledger page and the ledger check of a fund with many entries."""
    fund = await clients.create_fund(usd("100000.00"))
    connection = await asyncpg.connect(server.demo_data["database"]["api"])
    await connection.execute("SET statement_timeout = '60s'")
    for _ in range(ENTRY_COUNT // 2 // TRANSACTIONS_PER_COMMIT):
        async with connection.transaction():
            transaction_ids = await connection.fetchval(
                INSERT_TRANSACTIONS_SQL, fund["id"], TRANSACTIONS_PER_COMMIT
            )
            await connection.execute(INSERT_ENTRIES_SQL, fund["id"], transaction_ids)
    await connection.close()
    fund_path = f"/v1/funds/{fund['id']}"
    paths = {
        "statement_ms": f"{fund_path}/statements/2026-01-01/2026-12-31",
        "statement_xlsx_ms": f"{fund_path}/statements/2026-01-01/2026-12-31/statement.xlsx",
        "statement_pdf_ms": f"{fund_path}/statements/2026-01-01/2026-12-31/statement.pdf",
        "ledger_page_ms": f"{fund_path}/ledger?limit=50",
        "ledger_check_ms": "/v1/ledger-check",
    }
    return {
        name: round(statistics.median(await measure_latencies(clients, path)), 1)
        for name, path in paths.items()
    }


def main() -> None:
    """Measure payments, statements and the ledger check, print the figures and write them to bench/results/fund.json."""
    figures = asyncio.run(measure_figures())
    result = {"date": date.today().isoformat(), "machine": describe_machine(), **figures}  # noqa: DTZ011 - the local date of the machine
    RESULTS_FILE.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


async def measure_figures() -> dict[str, Any]:
    """Start a temporary demonstration and return the measured figures."""
    with temporary_home() as folder:
        server = ServerProcess(folder / "var", FIRSTSTEP_WORKERS="2", FIRSTSTEP_REQUESTS_PER_MINUTE="1000000")
        with server.running():
            async with open_finance_clients(server) as clients:
                return {
                    **await measure_approvals_and_payments(clients),
                    "entries": ENTRY_COUNT,
                    **await measure_statements(clients, server),
                }


if __name__ == "__main__":
    typer.run(main)

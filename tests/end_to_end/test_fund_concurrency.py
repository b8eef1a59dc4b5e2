"""Disbursements under concurrency: 200 requests at once on two processes, retries, and a server that is killed."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.finance_clients import open_finance_clients
from tests.support.fund import khr, payment_payload, usd
from tests.support.server_process import ServerProcess, temporary_home

KILLS = int(os.environ.get("FUND_KILLS", "4"))
"""Number of kills. Each one restarts the server, so `FUND_KILLS=20` takes about eight minutes."""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with two processes that have two database connections each."""
    with temporary_home() as directory:
        yield ServerProcess(
            directory / "var",
            FIRSTSTEP_WORKERS="2",
            FIRSTSTEP_POOL_SIZE="2",
            FIRSTSTEP_DEMO_CHILDREN="12",
            FIRSTSTEP_REQUESTS_PER_MINUTE="1000000",
        )


async def test_concurrent_approvals_and_payments_never_overdraw_a_fund(
    server: ServerProcess,
) -> None:
    with server.running():
        async with open_finance_clients(server) as clients:
            usd_fund = await clients.create_fund(usd("500.50"))
            khr_fund = await clients.create_fund(khr("2050050"))
            disbursements = await clients.create_disbursements([usd("10.01"), khr("41001")] * 100)
            fund_ids = {"USD": usd_fund["id"], "KHR": khr_fund["id"]}

            async def approve_and_pay(disbursement: dict[str, Any]) -> list[int]:
                payload = {"fund_id": fund_ids[disbursement["amount"]["currency"]]}
                approval = await clients.act_on_disbursement("supervisor", disbursement, "approve", payload)
                if approval.status_code != 200:
                    assert {unmet["code"] for unmet in approval.json()["unmet"]} == {"fund_exhausted"}
                    return [approval.status_code]
                payments = [
                    clients.act_on_disbursement(
                        "finance", approval.json(), "pay", payment_payload(disbursement["amount"])
                    )
                    for _ in range(2)
                ]
                return [200, *sorted(response.status_code for response in await asyncio.gather(*payments))]

            outcomes = Counter(map(tuple, await asyncio.gather(*map(approve_and_pay, disbursements))))
            assert outcomes == {(200, 200, 412): 100, (409,): 100}
            assert await clients.get_fund_balances(usd_fund) == {
                "given": "500.50", "advanced": "500.50", "available": "0.00", "reserved": "0.00", "spent": "0.00", "rounding": "0.00",
            }  # fmt: skip
            assert await clients.get_fund_balances(khr_fund) == {
                "given": "2050050", "advanced": "2050050", "available": "0", "reserved": "0", "spent": "0", "rounding": "0",
            }  # fmt: skip
            assert "eadlock" not in (server.home.parent / "run.log").read_text()


async def test_concurrent_retries_with_one_idempotency_key_pay_once(server: ServerProcess) -> None:
    with server.running():
        async with open_finance_clients(server) as clients:
            fund = await clients.create_fund(usd("100.00"))
            (disbursement,) = await clients.create_disbursements([usd("12.50")])
            payload = {"fund_id": fund["id"]}
            approval = await clients.act_on_disbursement("supervisor", disbursement, "approve", payload)
            responses = await asyncio.gather(
                *(
                    clients.act_on_disbursement(
                        "finance", approval.json(), "pay", payment_payload(), key="one"
                    )
                    for _ in range(20)
                )
            )
            assert {response.status_code for response in responses} <= {200, 409}
            assert len({response.text for response in responses if response.status_code == 200}) == 1
            retry = await clients.act_on_disbursement(
                "finance", approval.json(), "pay", payment_payload(), key="one"
            )
            assert (retry.status_code, retry.headers["idempotent-replayed"]) == (200, "true")
            assert (await clients.get_fund_balances(fund))["advanced"] == "12.50"


async def test_killed_server_leaves_no_partial_payment(server: ServerProcess) -> None:
    rng = random.Random(20261122)  # noqa: S311 - must be reproducible, not secret
    process = server.start()
    try:
        async with open_finance_clients(server) as clients:
            fund = await clients.create_fund(khr("100000000"))
            total, replayed_count = 0, 0
            for round_number in range(KILLS):
                amount = 1000 + round_number
                disbursements = await clients.create_disbursements([khr(str(amount))] * 6)
                payload = {"fund_id": fund["id"]}
                approved = [
                    (await clients.act_on_disbursement("supervisor", disbursement, "approve", payload)).json()
                    for disbursement in disbursements
                ]

                async def pay(disbursement: dict[str, Any]) -> httpx.Response:
                    return await clients.act_on_disbursement(
                        "finance",
                        disbursement,
                        "pay",
                        payment_payload(disbursement["amount"]),
                        key=f"key {disbursement['id']}",
                    )

                tasks = [asyncio.create_task(pay(disbursement)) for disbursement in approved]
                await wait_for_completed(tasks, rng.randrange(1, 6))
                process = await kill_and_restart(server, process)
                await asyncio.gather(*tasks, return_exceptions=True)
                responses = await asyncio.gather(*map(pay, approved))
                assert {response.status_code for response in responses} == {200}
                replayed_count += sum("idempotent-replayed" in response.headers for response in responses)
                total += 6 * amount
                balances = await clients.get_fund_balances(fund)
                assert (balances["advanced"], balances["reserved"]) == (str(total), "0")
            assert 0 < replayed_count < 6 * KILLS, "only some payments must be committed before the kill"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


async def wait_for_completed(tasks: list[asyncio.Task[httpx.Response]], count: int) -> None:
    """Return when a number of tasks has completed. The other ones are still running."""
    for completed in itertools.islice(asyncio.as_completed(tasks), count):
        await completed


async def kill_and_restart(
    server: ServerProcess, process: subprocess.Popen[bytes]
) -> subprocess.Popen[bytes]:
    """Send SIGKILL to all processes of a server, and start it again."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return await asyncio.to_thread(server.start)

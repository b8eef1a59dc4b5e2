"""Money under pressure: two real server processes, everybody at once, and a server that is killed again and again."""

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
"""Every kill is a start of a server: `FUND_KILLS=20` is for who has eight minutes."""


@pytest.fixture(scope="module")
def served() -> Iterator[ServerProcess]:
    """Two processes with two connections each."""
    with temporary_home() as folder:
        yield ServerProcess(
            folder / "var",
            FIRSTSTEP_WORKERS="2",
            FIRSTSTEP_POOL_SIZE="2",
            FIRSTSTEP_REQUESTS_PER_MINUTE="1000000",
        )


async def test_two_hundred_approvals_and_payments_at_once_are_exact_to_the_riel(
    served: ServerProcess,
) -> None:
    with served.running():
        async with open_finance_clients(served) as desk:
            dollars, riel = await desk.create_fund(usd("500.50")), await desk.create_fund(khr("2050050"))
            wishes = await desk.create_disbursements([usd("10.01"), khr("41001")] * 100)
            fund_of = {"USD": dollars["id"], "KHR": riel["id"]}

            async def approve_and_pay(what: dict[str, Any]) -> list[int]:
                told = {"fund_id": fund_of[what["amount"]["currency"]]}
                approved = await desk.act_on_disbursement("supervisor", what, "approve", told)
                if approved.status_code != 200:
                    assert {unmet["code"] for unmet in approved.json()["unmet"]} == {"fund_exhausted"}
                    return [approved.status_code]
                pays = [
                    desk.act_on_disbursement(
                        "finance", approved.json(), "pay", payment_payload(what["amount"])
                    )
                    for _ in range(2)
                ]
                return [200, *sorted(answer.status_code for answer in await asyncio.gather(*pays))]

            outcomes = Counter(map(tuple, await asyncio.gather(*map(approve_and_pay, wishes))))
            assert outcomes == {(200, 200, 412): 100, (409,): 100}
            nothing = {"available": "0.00", "reserved": "0.00", "spent": "0.00"}
            assert await desk.get_fund_balances(dollars) == {
                "given": "500.50",
                "advanced": "500.50",
                **nothing,
            }
            whole = dict.fromkeys(nothing, "0")
            assert await desk.get_fund_balances(riel) == {"given": "2050050", "advanced": "2050050", **whole}
            assert "eadlock" not in (served.home.parent / "run.log").read_text()


async def test_retries_with_one_key_at_once_are_one_payment(served: ServerProcess) -> None:
    with served.running():
        async with open_finance_clients(served) as desk:
            money = await desk.create_fund(usd("100.00"))
            (what,) = await desk.create_disbursements([usd("12.50")])
            approved = (
                await desk.act_on_disbursement("supervisor", what, "approve", {"fund_id": money["id"]})
            ).json()
            answers = await asyncio.gather(
                *(
                    desk.act_on_disbursement("finance", approved, "pay", payment_payload(), key="one")
                    for _ in range(20)
                )
            )
            assert {answer.status_code for answer in answers} <= {200, 409}
            assert len({answer.text for answer in answers if answer.status_code == 200}) == 1
            again = await desk.act_on_disbursement("finance", approved, "pay", payment_payload(), key="one")
            assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
            assert (await desk.get_fund_balances(money))["advanced"] == "12.50"


async def test_a_server_killed_in_the_middle_leaves_nothing_half_done(served: ServerProcess) -> None:
    chance = random.Random(20261122)  # noqa: S311 - the same moments in every run
    process = served.start()
    try:
        async with open_finance_clients(served) as desk:
            money = await desk.create_fund(khr("100000000"))
            total, replayed = 0, 0
            for turn in range(KILLS):
                wishes = await desk.create_disbursements([khr(str(1000 + turn))] * 6)
                told = {"fund_id": money["id"]}
                approved = [
                    (await desk.act_on_disbursement("supervisor", what, "approve", told)).json()
                    for what in wishes
                ]

                async def pay(what: dict[str, Any]) -> httpx.Response:
                    return await desk.act_on_disbursement(
                        "finance", what, "pay", payment_payload(what["amount"]), key=f"key {what['id']}"
                    )

                running = [asyncio.create_task(pay(what)) for what in approved]
                await some_ended(running, chance.randrange(1, 6))
                process = await again(served, process)
                await asyncio.gather(*running, return_exceptions=True)
                answers = await asyncio.gather(*map(pay, approved))
                assert {answer.status_code for answer in answers} == {200}
                replayed += sum("idempotent-replayed" in answer.headers for answer in answers)
                total += 6 * (1000 + turn)
                found = await desk.get_fund_balances(money)
                assert (found["advanced"], found["reserved"]) == (str(total), "0")
            assert 0 < replayed < 6 * KILLS, "some had committed when the server died, and some had not"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


async def some_ended(running: list[asyncio.Task[httpx.Response]], number: int) -> None:
    """Return as soon as so many have ended: the others are somewhere in the middle."""
    for ended in itertools.islice(asyncio.as_completed(running), number):
        await ended


async def again(served: ServerProcess, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Kill a server with all its processes, without a word, and start another."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return await asyncio.to_thread(served.start)

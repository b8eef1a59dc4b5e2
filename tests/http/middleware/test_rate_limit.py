from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.http.middleware.client_address import UNKNOWN, get_client_address, get_rate_limit_key
from app.http.middleware.rate_limit import (
    DECISION_KEY,
    RateLimit,
    RateLimitDecision,
    RateLimiter,
    format_rate_headers,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock, limit: int = 3) -> httpx.AsyncClient:
    principals = RateLimiter(clock=clock)

    async def inner_app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if headers.get(b"authorization") == b"Bearer good":
            scope["state"][DECISION_KEY] = principals.take("user:1", 100)
        await Response("ok")(scope, receive, send)

    app = RateLimit(
        inner_app, limit_per_minute=limit, trusted_proxies=("127.0.0.1",), limiter=RateLimiter(clock=clock)
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


async def ask(
    client: httpx.AsyncClient, token: str | None = None, address: str = "192.0.2.1"
) -> httpx.Response:
    headers = {"x-forwarded-for": address} | ({"authorization": f"Bearer {token}"} if token else {})
    return await client.get("/", headers=headers)


def test_bucket_empties_and_refills() -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    assert [limiter.take("a", 2) for _ in range(3)] == [
        RateLimitDecision(2, 1, 30, True),
        RateLimitDecision(2, 0, 60, True),
        RateLimitDecision(2, 0, 30, False),
    ]
    clock.now += 30
    assert limiter.take("a", 2).allowed
    assert not limiter.take("a", 2).allowed
    clock.now += 10_000
    assert limiter.peek("a", 2) == RateLimitDecision(2, 2, 1, True)


def test_peek_uses_no_token_and_stores_no_key() -> None:
    limiter = RateLimiter(clock=Clock())
    assert [limiter.peek("a", 2).remaining for _ in range(5)] == [2] * 5
    assert len(limiter._buckets) == 0


def test_keys_have_separate_buckets() -> None:
    limiter = RateLimiter(clock=Clock())
    assert limiter.take("a", 1).allowed
    assert not limiter.take("a", 1).allowed
    assert limiter.take("b", 1).allowed


def test_least_recently_used_key_is_dropped_first() -> None:
    limiter = RateLimiter(max_keys=2, clock=Clock())
    for key in "abac":
        limiter.take(key, 1)
    assert list(limiter._buckets) == ["a", "c"]


@given(st.lists(st.floats(0, 20), max_size=30), st.integers(1, 20))
def test_allowed_requests_never_exceed_bucket_and_refill(waits: list[float], limit: int) -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    passed = 0
    for wait in waits:
        clock.now += wait
        passed += limiter.take("a", limit).allowed
    assert passed <= limit + sum(waits) * limit / 60 + 1e-6


def test_verdict_is_formatted_as_structured_fields() -> None:
    assert format_rate_headers(RateLimitDecision(6000, 5999, 60, True)) == [
        (b"ratelimit-policy", b'"default";q=6000;w=60'),
        (b"ratelimit", b'"default";r=5999;t=60'),
    ]


async def test_anonymous_address_is_limited_with_retry_after() -> None:
    clock = Clock()
    async with limited(clock) as client:
        responses = [await ask(client) for _ in range(4)]
        assert [response.status_code for response in responses] == [200, 200, 200, 429]
        assert responses[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
        assert responses[0].headers["ratelimit"] == '"default";r=2;t=20'
        assert responses[3].headers["ratelimit"] == '"default";r=0;t=20'
        assert responses[3].headers["retry-after"] == "20"
        assert responses[3].json()["type"] == "urn:firststep:problem:too-many-requests"
        assert (await ask(client, address="192.0.2.2")).status_code == 200
        clock.now += 20
        assert (await ask(client)).status_code == 200


async def test_authenticated_caller_gets_its_own_limit() -> None:
    async with limited(Clock()) as client:
        responses = [await ask(client, "good") for _ in range(10)]
    assert {response.status_code for response in responses} == {200}
    assert responses[-1].headers["ratelimit"].startswith('"default";r=90;')


async def test_forged_tokens_do_not_block_authenticated_callers() -> None:
    async with limited(Clock()) as client:
        assert (await ask(client, "good")).status_code == 200
        statuses = [(await ask(client, f"bad{number}")).status_code for number in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        assert (await ask(client)).status_code == 429
        assert (await ask(client, "good")).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", ["10.9.9.9"], (), "192.0.2.1"),
        ("192.0.2.1", ["10.9.9.9"], ("198.51.100.1",), "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.9"], ("10.0.0.1",), "192.0.2.9"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.9"], ("10.0.0.1",), "192.0.2.9"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.9, 10.0.0.2"], ("10.0.0.0/8",), "192.0.2.9"),
        ("10.0.0.1", ["6.6.6.6", "192.0.2.9"], ("10.0.0.1",), "192.0.2.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], ("10.0.0.0/8",), "10.0.0.3"),
        ("10.0.0.1", [], ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, evil"], ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", [""], ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.9:4711"], ("10.0.0.1",), "192.0.2.9"),
        ("10.0.0.1", ["[2001:db8::1]:443"], ("10.0.0.1",), "2001:db8::1"),
        ("::ffff:10.0.0.1", ["2001:DB8::1"], ("10.0.0.1",), "2001:db8::1"),
        ("testclient", ["192.0.2.9"], ("10.0.0.1",), UNKNOWN),
        (None, [], ("10.0.0.1",), UNKNOWN),
    ],
)
def test_forwarded_address_is_used_from_trusted_proxies_only(
    peer: str | None, forwarded: list[str], trusted: tuple[str, ...], address: str
) -> None:
    scope: dict[str, Any] = {"headers": [(b"x-forwarded-for", value.encode()) for value in forwarded]}
    scope["client"] = (peer, 1234) if peer else None
    assert get_client_address(scope, trusted) == address


def test_ipv6_network_shares_one_bucket() -> None:
    assert (
        get_rate_limit_key("2001:db8:1:2:3::4")
        == get_rate_limit_key("2001:db8:1:2::9")
        == "2001:db8:1:2::/64"
    )
    assert get_rate_limit_key("192.0.2.1") == "192.0.2.1"
    assert get_rate_limit_key(UNKNOWN) == UNKNOWN

"""How often somebody may ask: a token bucket per caller, in the memory of one worker process.

Identity is not known at the edge, and an Authorization header costs nothing to invent. So the middleware counts per
address whatever ends without an authenticated caller, and the security door, once it knows who asks, counts per
principal through the same `RateLimiter` and leaves its `Verdict` in `scope["state"]["rate_verdict"]`.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooManyRequests
from app.http.middleware.client_address import client_address, rate_key
from app.http.problem_details import problem

WINDOW_SECONDS = 60
MOST_KEYS = 50_000
MOST_PROVEN = 20_000

VERDICT = "rate_verdict"
"""Key of `scope["state"]` under which the door leaves its `Verdict`."""


class Verdict(NamedTuple):
    """What a bucket said about one request."""

    limit: int
    """Requests a minute."""
    remaining: int
    """Requests that may follow at once."""
    reset_seconds: int
    """Until the bucket is full again; where refused, until the next request is let in."""
    allowed: bool


class RateLimiter:
    """Token buckets by key, the least recently used forgotten first.

    Use one limiter for addresses and another for principals: a flood of addresses then cannot push a
    principal's bucket out.
    """

    def __init__(self, *, most_keys: int = MOST_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._most_keys = most_keys
        self._clock = clock

    def take(self, key: str, limit_per_minute: int) -> Verdict:
        """Count one request of `key`; a refused one costs nothing."""
        now = self._clock()
        tokens = self._tokens(key, limit_per_minute, now)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        return _verdict(tokens, limit_per_minute, allowed=allowed)

    def look(self, key: str, limit_per_minute: int) -> Verdict:
        """Say what `take` would, without counting."""
        tokens = self._tokens(key, limit_per_minute, self._clock())
        return _verdict(tokens, limit_per_minute, allowed=tokens >= 1)

    def _tokens(self, key: str, limit: int, now: float) -> float:
        tokens, updated = self._buckets.get(key, (float(limit), now))
        return min(float(limit), tokens + (now - updated) * limit / WINDOW_SECONDS)


def _verdict(tokens: float, limit: int, *, allowed: bool) -> Verdict:
    wanted = limit - tokens if allowed else 1 - tokens
    seconds = math.ceil(wanted * WINDOW_SECONDS / limit)
    return Verdict(limit, int(tokens), max(1, seconds), allowed)


def rate_headers(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """Return the fields of the IETF draft `ratelimit-headers`, as structured fields (RFC 9651)."""
    policy = f'"default";q={verdict.limit};w={WINDOW_SECONDS}'
    state = f'"default";r={verdict.remaining};t={verdict.reset_seconds}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class RateLimit:
    """Limits whoever is not, or not yet, known by address; reports every verdict in the answer's headers.

    A request without Authorization is counted before it runs. One with it runs first, and is counted
    afterwards if the door found nobody behind it; once the address has used its share up, only credentials that
    proved good before pass, so a flood of invented tokens cannot lock an office out.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit_per_minute: int,
        trusted_proxies: tuple[str, ...] = (),
        limiter: RateLimiter | None = None,
    ) -> None:
        self.app = app
        self._limit = limit_per_minute
        self._trusted_proxies = trusted_proxies
        self._limiter = limiter or RateLimiter()
        self._proven: OrderedDict[bytes, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, before or after it ran."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        key = rate_key(client_address(scope, self._trusted_proxies))
        credentials = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if credentials is None:
            await self._anonymous(key, scope, receive, send)
        else:
            await self._with_credentials(key, credentials, scope, receive, send)

    async def _anonymous(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        verdict = self._limiter.take(key, self._limit)
        scope.setdefault("state", {})[VERDICT] = verdict
        await self._run_or_refuse(verdict, scope, receive, send)

    async def _with_credentials(
        self, key: str, credentials: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = scope.setdefault("state", {})
        digest = sha256(credentials).digest()
        if digest not in self._proven and not (seen := self._limiter.look(key, self._limit)).allowed:
            await self._run_or_refuse(seen, scope, receive, send)
            return
        try:
            await self.app(scope, receive, _reporting(scope, send))
        finally:
            self._remember(digest, known=VERDICT in state)
            if VERDICT not in state:
                self._limiter.take(key, self._limit)

    async def _run_or_refuse(self, verdict: Verdict, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"][VERDICT] = verdict
        app: ASGIApp = self.app
        if not verdict.allowed:
            app = problem(TooManyRequests(retry_after=verdict.reset_seconds), scope=scope)
        await app(scope, receive, _reporting(scope, send))

    def _remember(self, digest: bytes, *, known: bool) -> None:
        self._proven.pop(digest, None)
        if known:
            self._proven[digest] = None
            if len(self._proven) > MOST_PROVEN:
                self._proven.popitem(last=False)


def _reporting(scope: Scope, send: Send) -> Send:
    """Return `send` with the verdict's headers, read when the answer starts: the door may have set it."""

    async def report(message: Message) -> None:
        if message["type"] == "http.response.start" and (verdict := scope["state"].get(VERDICT)):
            message["headers"] = [*message.get("headers", ()), *rate_headers(verdict)]
        await send(message)

    return report

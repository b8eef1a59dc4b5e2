"""Rate limits: a token bucket for each address or caller, in the memory of each worker process.

The middleware runs before authentication and counts requests without an authenticated caller, per address. The guard
counts the requests of each caller with a separate `RateLimiter`, and stores its `RateLimitDecision` in
`scope["state"]`, so that the middleware can add the headers.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import TooManyRequests
from app.http.middleware.client_address import get_client_address, get_rate_limit_key
from app.http.middleware.http_middleware import HeaderList, HttpMiddleware, get_header, with_headers
from app.http.problem_details import build_problem_response

WINDOW_SECONDS = 60
MAX_KEYS = 50_000
"""Maximum number of buckets in memory."""
MAX_AUTHENTICATED = 20_000
"""Maximum number of credentials in memory that were valid earlier."""

DECISION_KEY = "rate_limit_decision"
"""The key of the `RateLimitDecision` in `scope["state"]`."""


class RateLimitDecision(NamedTuple):
    """Whether a request is allowed, and the state of its bucket."""

    limit: int
    """Requests per minute."""
    remaining: int
    """Number of requests that are allowed immediately."""
    reset_seconds: int
    """Seconds until the bucket is full or, if the request is rejected, until a request is allowed."""
    allowed: bool


class RateLimiter:
    """Token buckets by key. Above the maximum number, the least recently used bucket is deleted.

    Addresses and callers have separate limiters, so that requests from many addresses cannot delete a caller's bucket.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._max_keys = max_keys
        self._clock = clock

    def take(self, key: str, limit_per_minute: int) -> RateLimitDecision:
        """Count a request of `key`, and return whether it is allowed. A rejected request uses no token."""
        now = self._clock()
        tokens = self._count_tokens(key, limit_per_minute, now)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return _build_decision(tokens, limit_per_minute, allowed=allowed)

    def peek(self, key: str, limit_per_minute: int) -> RateLimitDecision:
        """Return what `take` would return, without counting a request."""
        tokens = self._count_tokens(key, limit_per_minute, self._clock())
        return _build_decision(tokens, limit_per_minute, allowed=tokens >= 1)

    def _count_tokens(self, key: str, limit: int, now: float) -> float:
        tokens, updated = self._buckets.get(key, (float(limit), now))
        return min(float(limit), tokens + (now - updated) * limit / WINDOW_SECONDS)


def _build_decision(tokens: float, limit: int, *, allowed: bool) -> RateLimitDecision:
    missing = limit - tokens if allowed else 1 - tokens
    seconds = math.ceil(missing * WINDOW_SECONDS / limit)
    return RateLimitDecision(limit, int(tokens), max(1, seconds), allowed)


def format_rate_headers(decision: RateLimitDecision) -> HeaderList:
    """Return the headers of the IETF draft `ratelimit-headers` as structured fields (RFC 9651)."""
    policy = f'"default";q={decision.limit};w={WINDOW_SECONDS}'
    state = f'"default";r={decision.remaining};t={decision.reset_seconds}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class RateLimit(HttpMiddleware):
    """Limits unauthenticated requests per address, and adds the rate limit headers to every response.

    A request without Authorization is counted before it is handled. A request with Authorization is handled first, and
    counted only if the guard does not authenticate a caller. If an address has used up its limit, only requests with
    credentials that were valid before are handled. Forged tokens therefore cannot block other callers at the same
    address, such as an office.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit_per_minute: int,
        trusted_proxies: tuple[str, ...] = (),
        limiter: RateLimiter | None = None,
    ) -> None:
        super().__init__(app)
        self._limit = limit_per_minute
        self._trusted_proxies = trusted_proxies
        self._limiter = limiter or RateLimiter()
        self._authenticated: OrderedDict[bytes, None] = OrderedDict()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request before it is handled or, if it has credentials, afterwards."""
        key = get_rate_limit_key(get_client_address(scope, self._trusted_proxies))
        credentials = get_header(scope, b"authorization")
        if credentials is None:
            await self._handle_anonymous(key, scope, receive, send)
        else:
            await self._handle_credentials(key, credentials, scope, receive, send)

    async def _handle_anonymous(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        decision = self._limiter.take(key, self._limit)
        scope.setdefault("state", {})[DECISION_KEY] = decision
        await self._run_or_reject(decision, scope, receive, send)

    async def _handle_credentials(
        self, key: str, credentials: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = scope.setdefault("state", {})
        digest = sha256(credentials).digest()
        if digest not in self._authenticated:
            decision = self._limiter.peek(key, self._limit)
            if not decision.allowed:
                await self._run_or_reject(decision, scope, receive, send)
                return
        try:
            await self.app(scope, receive, _with_rate_headers(scope, send))
        finally:
            self._remember(digest, authenticated=DECISION_KEY in state)
            if DECISION_KEY not in state:
                self._limiter.take(key, self._limit)

    async def _run_or_reject(
        self, decision: RateLimitDecision, scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope["state"][DECISION_KEY] = decision
        app: ASGIApp = self.app
        if not decision.allowed:
            app = build_problem_response(TooManyRequests(retry_after=decision.reset_seconds), scope=scope)
        await app(scope, receive, _with_rate_headers(scope, send))

    def _remember(self, digest: bytes, *, authenticated: bool) -> None:
        self._authenticated.pop(digest, None)
        if authenticated:
            self._authenticated[digest] = None
            if len(self._authenticated) > MAX_AUTHENTICATED:
                self._authenticated.popitem(last=False)


def _with_rate_headers(scope: Scope, send: Send) -> Send:
    """Wrap `send` so that it adds the rate limit headers. The guard may set the decision until the response starts."""

    def add_rate_headers(headers: Sequence[tuple[bytes, bytes]]) -> HeaderList:
        decision = scope["state"].get(DECISION_KEY)
        return [*headers, *(format_rate_headers(decision) if decision else ())]

    return with_headers(send, add_rate_headers)

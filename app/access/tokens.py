"""Issue and verify access tokens, and verify client assertions. Only this module uses python-jose.

The library accepts a wrong `typ`, an unknown `crit`, a wrong `kid`, and a missing `exp` or `aud`. This module therefore
validates every part itself (RFC 8725, RFC 9068), in this order: length, header, key (`kid`), signature, claims.
"""

import hashlib
import json
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, cast

from jose import jwk, jws
from jose.backends.base import Key

from app.access.jwk import decode_base64url, export_public_jwk, parse_public_jwk
from app.access.keyring import KeyRing, ReloadingKeyRing
from app.errors import Unauthenticated

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
MAX_TOKEN_LENGTH = 4096
MAX_HEADER_LENGTH = 512
"""Maximum lengths of the encoded token and of its header part, in characters."""
MAX_TOKEN_LIFETIME = 86_400
MAX_ASSERTION_LIFETIME = 300
"""Maximum lifetimes of an access token (`exp` - `iat`) and of a client assertion (`exp` - now), in seconds."""
MAX_ASSERTION_ID_LENGTH = 255
LEEWAY = 5
"""Seconds by which the clock of another machine may be ahead: tolerance for `nbf` and `iat`, not for `exp`."""
MAX_CACHED_CLAIMS = 4096

_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)

SubjectKind = Literal["person", "client"]


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified access token. They identify the caller, whose roles are read from the database."""

    subject: uuid.UUID
    kind: SubjectKind
    session_id: uuid.UUID
    scope: str
    """Scopes, separated by spaces (RFC 6749, section 3.3). They can only reduce the permissions of the roles."""
    jti: uuid.UUID
    issued_at: int
    not_before: int
    expires_at: int
    auth_time: int | None
    """Time of the user's sign-in, in Unix seconds; None for an API client."""
    amr: tuple[str, ...]
    """Authentication methods of the sign-in (RFC 8176): `pwd`, `otp`."""


class _SigningKeys:
    """The signing keys of a key ring, and a cache of verified claims by the SHA-256 of their token."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.signer = jwk.construct(ring.signing_keys[ring.signing_active], ALGORITHM)
        public = {kid: key.public_key() for kid, key in ring.signing_keys.items()}
        self.verifiers = {kid: jwk.construct(key, ALGORITHM) for kid, key in public.items()}
        self.public_jwks = {kid: export_public_jwk(key) for kid, key in public.items()}
        self._cached_claims: OrderedDict[bytes, Claims] = OrderedDict()
        self._lock = Lock()

    def get_cached_claims(self, digest: bytes, now: float) -> Claims | None:
        with self._lock:
            claims = self._cached_claims.pop(digest, None)
            if claims is None or claims.expires_at <= now:
                return None
            self._cached_claims[digest] = claims  # moved to the end: the most recently used token
            return claims

    def cache_claims(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._cached_claims[digest] = claims
            if len(self._cached_claims) > MAX_CACHED_CLAIMS:
                self._cached_claims.popitem(last=False)


class AccessTokens:
    """Issues and verifies the access tokens of one issuer. Reloads the key ring when its file changes."""

    def __init__(
        self,
        keyring: KeyRing,
        issuer: str,
        audience: str = "first-step-api",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key_ring_source = ReloadingKeyRing(keyring)
        self._keys = _SigningKeys(keyring)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def issue_access_token(
        self,
        subject: uuid.UUID,
        *,
        kind: SubjectKind,
        session_id: uuid.UUID,
        scope: str,
        lifetime: int,
        auth_time: int | None,
        amr: tuple[str, ...],
    ) -> str:
        """Return a signed token that is valid for `lifetime` seconds.

        Raises:
            ValueError: `verify_access_token` would reject the token.
        """
        now = int(self._clock())
        keys = self._refresh_keys(self._key_ring_source.get())
        identity = {"iss": self._issuer, "aud": self._audience, "sub": str(subject), "jti": str(uuid.uuid4())}
        times = {"iat": now, "nbf": now, "exp": now + lifetime}
        session = {"sid": str(session_id), "kind": kind, "scope": scope, "auth_time": auth_time, "amr": amr}
        header = {"typ": TOKEN_TYPE, "kid": keys.ring.signing_active}
        token = str(
            jws.sign({**identity, **times, **session}, keys.signer, headers=header, algorithm=ALGORITHM)
        )
        if not 0 < lifetime <= MAX_TOKEN_LIFETIME or len(token) > MAX_TOKEN_LENGTH:
            raise ValueError("The lifetime or the length of the token exceeds the limit.")
        return token

    def verify_access_token(self, token: str) -> Claims:
        """Return the claims of a valid token.

        Raises:
            Unauthenticated: the token is invalid or expired. The error gives no cause.
        """
        try:
            return self._verify(token)
        except Exception:  # noqa: BLE001  # any failure, such as a TypeError of the library, means an invalid token
            raise Unauthenticated from None

    def get_public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys that verify access tokens (RFC 7517), the active key first."""
        keys = self._refresh_keys(self._key_ring_source.get())
        kids = sorted(keys.public_jwks, key=lambda kid: (kid != keys.ring.signing_active, kid))
        return {
            "keys": [{**keys.public_jwks[kid], "alg": ALGORITHM, "use": "sig", "kid": kid} for kid in kids]
        }

    def _refresh_keys(self, ring: KeyRing) -> _SigningKeys:
        """Return the keys of a key ring. A new ring has an empty cache, because a key may have been retired."""
        if ring is not self._keys.ring:
            self._keys = _SigningKeys(ring)
        return self._keys

    def _verify(self, token: str) -> Claims:
        _require(isinstance(token, str) and len(token) <= MAX_TOKEN_LENGTH)
        keys, now = self._refresh_keys(self._key_ring_source.get()), self._clock()
        digest = hashlib.sha256(token.encode("ascii")).digest()
        claims = keys.get_cached_claims(digest, now) or self._verify_uncached(token, digest)
        _require(max(claims.not_before, claims.issued_at) - LEEWAY <= now < claims.expires_at)
        return claims

    def _verify_uncached(self, token: str, digest: bytes) -> Claims:
        header, keys = _parse_header(token), self._keys
        _require(header.keys() == {"alg", "typ", "kid"} and header["typ"] == TOKEN_TYPE)
        if header["kid"] not in keys.verifiers:  # another process may have added the key
            keys = self._refresh_keys(self._key_ring_source.reload_if_changed())
        claims = self._parse_claims(_verify_signature(token, keys.verifiers[header["kid"]]))
        keys.cache_claims(digest, claims)
        return claims

    def _parse_claims(self, payload: Mapping[str, Any]) -> Claims:
        _require(payload["iss"] == self._issuer and payload["aud"] == self._audience)
        _require(payload["kind"] in {"person", "client"} and isinstance(payload["amr"], list))
        claims = Claims(
            subject=_parse_uuid(payload["sub"]),
            kind=payload["kind"],
            session_id=_parse_uuid(payload["sid"]),
            scope=_require_text(payload["scope"]),
            jti=_parse_uuid(payload["jti"]),
            issued_at=_require_seconds(payload["iat"]),
            not_before=_require_seconds(payload["nbf"]),
            expires_at=_require_seconds(payload["exp"]),
            auth_time=None if payload["auth_time"] is None else _require_seconds(payload["auth_time"]),
            amr=tuple(_require_text(method) for method in payload["amr"]),
        )
        _require(0 < claims.expires_at - claims.issued_at <= MAX_TOKEN_LIFETIME)
        _require((claims.auth_time or 0) <= claims.issued_at)
        return claims


def verify_client_assertion(
    assertion: str,
    public_key: Mapping[str, Any],
    client_id: str,
    issuer: str,
    *,
    clock: Callable[[], float] = time.time,
) -> tuple[str, int]:
    """Return `jti` and `exp` of a valid client assertion (RFC 7523, `private_key_jwt`).

    The audience must be exactly the issuer, because an assertion for the token endpoint or for several audiences could
    be replayed at another server (RFC 9700). Store `jti` until `exp` and reject it when it is used again.

    Raises:
        Unauthenticated: the assertion is invalid or expired. The error gives no cause.
    """
    try:
        _require(isinstance(assertion, str) and len(assertion) <= MAX_TOKEN_LENGTH)
        header = _parse_header(assertion)
        _require({"alg"} <= header.keys() <= {"alg", "typ", "kid"})
        _require(header.get("typ", "JWT") in {"JWT", "client-authentication+jwt"})
        payload = _verify_signature(assertion, jwk.construct(parse_public_jwk(public_key), ALGORITHM))
        return _parse_assertion_claims(payload, client_id, issuer, clock())
    except Exception:  # noqa: BLE001  # see `verify_access_token`
        raise Unauthenticated from None


def _parse_assertion_claims(
    payload: Mapping[str, Any], client_id: str, issuer: str, now: float
) -> tuple[str, int]:
    _require(payload["iss"] == payload["sub"] == client_id and payload["aud"] == issuer)
    jti, expires_at = _require_text(payload["jti"]), _require_seconds(payload["exp"])
    _require(0 < len(jti) <= MAX_ASSERTION_ID_LENGTH and jti.isprintable())
    _require(now < expires_at <= now + MAX_ASSERTION_LIFETIME)
    _require(
        all(_require_seconds(payload[name]) - LEEWAY <= now for name in ("nbf", "iat") if name in payload)
    )
    return jti, expires_at


def _parse_header(token: str) -> dict[str, Any]:
    """Return the header of a token. Its algorithm must be ES256 and its members must be strings."""
    _require(_TOKEN_PATTERN.fullmatch(token) is not None)
    encoded = token.partition(".")[0]
    _require(len(encoded) <= MAX_HEADER_LENGTH)
    header = _parse_json_object(decode_base64url(encoded))
    _require(header.get("alg") == ALGORITHM and all(isinstance(value, str) for value in header.values()))
    return header


def _verify_signature(token: str, key: Key) -> dict[str, Any]:
    _header_part, payload, signature = token.split(".")
    decode_base64url(payload), decode_base64url(signature)
    return _parse_json_object(cast("bytes", jws.verify(token, key, [ALGORITHM])))


def _parse_json_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object in UTF-8. Rejects duplicate names, NaN and Infinity."""
    value = json.loads(
        raw.decode("utf-8"), object_pairs_hook=_reject_duplicate_names, parse_constant=_reject_constant
    )
    _require(isinstance(value, dict))
    return cast("dict[str, Any]", value)


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    _require(len(value) == len(pairs))
    return value


def _reject_constant(_: str) -> None:
    raise ValueError


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _require_text(value: Any) -> str:
    _require(isinstance(value, str))
    return cast("str", value)


def _parse_uuid(value: Any) -> uuid.UUID:
    parsed = uuid.UUID(_require_text(value))
    _require(str(parsed) == value)  # the canonical form only
    return parsed


def _require_seconds(value: Any) -> int:
    _require(type(value) is int and value >= 0)  # excludes True, which is an int, and 1e9, which is a float
    return cast("int", value)

"""Access tokens and client assertions: the only place that knows python-jose.

Left alone the library accepts a wrong `typ`, an unknown `crit`, a wrong `kid`, a missing `exp` or `aud`. So everything is
read here first (RFC 8725, RFC 9068): length, header, key by its `kid`; then the signature; then every claim, strictly.
"""

import base64
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

from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws
from jose.backends.base import Key

from app.access.keyring import KEY_BYTES, KeyRing, ReloadingKeyRing, encode_base64url, export_public_jwk
from app.errors import Unauthenticated

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
MAX_TOKEN_LENGTH = 4096
MAX_HEADER_LENGTH = 512
"""Characters of the encoded token and of its header part."""
MAX_TOKEN_LIFETIME = 86_400
MAX_ASSERTION_LIFETIME = 300
"""Upper limits in seconds of `exp` minus the current time."""
MAX_ASSERTION_ID_LENGTH = 255
LEEWAY = 5
"""Seconds by which another machine's clock may run ahead of ours; never granted to `exp`."""
MAX_CACHED_CLAIMS = 4096

_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)

SubjectKind = Literal["person", "client"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. It proves who is asking; what they may do is read from the database."""

    subject: uuid.UUID
    kind: SubjectKind
    session_id: uuid.UUID
    scope: str
    """Space-separated (RFC 6749, section 3.3); can only narrow what roles allow."""
    jti: uuid.UUID
    issued_at: int
    not_before: int
    expires_at: int
    auth_time: int | None
    """When the person last proved who they are, in seconds since 1970; None for clients."""
    amr: tuple[str, ...]
    """How (RFC 8176): `pwd`, `otp`, …"""


class _SigningKeys:
    """One ring's keys as the library wants them, and the claims verified with them, by the token's SHA-256."""

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
            self._cached_claims[digest] = claims  # again the most recently used
            return claims

    def cache_claims(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._cached_claims[digest] = claims
            if len(self._cached_claims) > MAX_CACHED_CLAIMS:
                self._cached_claims.popitem(last=False)


class AccessTokens:
    """Issues and verifies the access tokens of one issuer; follows the ring's file while running."""

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

    def issue_access_token(  # one argument for each thing a token says
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
        """Return a signed token that lives `lifetime` seconds. Raises `ValueError` for one `verify` would refuse."""
        now = int(self._clock())
        keys = self._refresh_keys(self._key_ring_source.get())
        names = {"iss": self._issuer, "aud": self._audience, "sub": str(subject), "jti": str(uuid.uuid4())}
        times = {"iat": now, "nbf": now, "exp": now + lifetime}
        rest = {"sid": str(session_id), "kind": kind, "scope": scope, "auth_time": auth_time, "amr": amr}
        header = {"typ": TOKEN_TYPE, "kid": keys.ring.signing_active}
        token = str(jws.sign({**names, **times, **rest}, keys.signer, headers=header, algorithm=ALGORITHM))
        if not 0 < lifetime <= MAX_TOKEN_LIFETIME or len(token) > MAX_TOKEN_LENGTH:
            raise ValueError("This token would be refused.")
        return token

    def verify_access_token(self, token: str) -> Claims:
        """Return the claims of a token that is ours, whole and current. Raises `Unauthenticated`, for any cause."""
        try:
            return self._verify(token)
        except Exception:  # noqa: BLE001  # RecursionError and TypeError too: one answer
            raise Unauthenticated from None

    def get_public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys that verify our tokens (RFC 7517), the active one first."""
        keys = self._refresh_keys(self._key_ring_source.get())
        kids = sorted(keys.public_jwks, key=lambda kid: (kid != keys.ring.signing_active, kid))
        return {
            "keys": [{**keys.public_jwks[kid], "alg": ALGORITHM, "use": "sig", "kid": kid} for kid in kids]
        }

    def _refresh_keys(self, ring: KeyRing) -> _SigningKeys:
        """Return the ring's keys; what was verified with an earlier ring is forgotten: a key may have been retired."""
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
        if header["kid"] not in keys.verifiers:  # perhaps another process has just added the key
            keys = self._refresh_keys(self._key_ring_source.reload_if_changed())
        claims = self._parse_claims(_verify_signature(token, keys.verifiers[header["kid"]]))
        keys.cache_claims(digest, claims)
        return claims

    def _parse_claims(self, said: Mapping[str, Any]) -> Claims:
        _require(said["iss"] == self._issuer and said["aud"] == self._audience)
        _require(said["kind"] in {"person", "client"} and isinstance(said["amr"], list))
        claims = Claims(
            subject=_parse_uuid(said["sub"]),
            kind=said["kind"],
            session_id=_parse_uuid(said["sid"]),
            scope=_require_text(said["scope"]),
            jti=_parse_uuid(said["jti"]),
            issued_at=_require_seconds(said["iat"]),
            not_before=_require_seconds(said["nbf"]),
            expires_at=_require_seconds(said["exp"]),
            auth_time=None if said["auth_time"] is None else _require_seconds(said["auth_time"]),
            amr=tuple(_require_text(method) for method in said["amr"]),
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
    """Return `jti` and `exp` of a client's proof that it holds its key (RFC 7523, `private_key_jwt`).

    The audience is the issuer and nothing else: an assertion made out to the token endpoint, or to several, could be
    carried to another server (RFC 9700). The caller remembers `jti` until `exp`. Raises `Unauthenticated`.
    """
    try:
        _require(isinstance(assertion, str) and len(assertion) <= MAX_TOKEN_LENGTH)
        header = _parse_header(assertion)
        _require({"alg"} <= header.keys() <= {"alg", "typ", "kid"})
        _require(header.get("typ", "JWT") in {"JWT", "client-authentication+jwt"})
        said = _verify_signature(assertion, jwk.construct(parse_public_jwk(public_key), ALGORITHM))
        return _parse_assertion_claims(said, client_id, issuer, clock())
    except Exception:  # noqa: BLE001  # as in `Tokens.verify`
        raise Unauthenticated from None


def parse_public_jwk(key: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return the P-256 public key a client registered. Raises `ValueError` for anything else, a private key above all."""
    if not isinstance(key, Mapping) or "d" in key or (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise ValueError("A public P-256 key is needed (kty EC, crv P-256, x, y).")
    try:
        x, y = (_decode_coordinate(key[name]) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise ValueError("The key's x and y are not a point of P-256.") from None


def _parse_assertion_claims(
    said: Mapping[str, Any], client_id: str, issuer: str, now: float
) -> tuple[str, int]:
    _require(said["iss"] == said["sub"] == client_id and said["aud"] == issuer)
    jti, expires_at = _require_text(said["jti"]), _require_seconds(said["exp"])
    _require(0 < len(jti) <= MAX_ASSERTION_ID_LENGTH and jti.isprintable())
    _require(now < expires_at <= now + MAX_ASSERTION_LIFETIME)
    _require(all(_require_seconds(said[name]) - LEEWAY <= now for name in ("nbf", "iat") if name in said))
    return jti, expires_at


def _parse_header(token: str) -> dict[str, Any]:
    """Return the header of a token of the right shape, whose only algorithm is ours and whose members are texts."""
    _require(_TOKEN_PATTERN.fullmatch(token) is not None)
    encoded = token.partition(".")[0]
    _require(len(encoded) <= MAX_HEADER_LENGTH)
    header = _parse_json_object(_decode_base64url(encoded))
    _require(header.get("alg") == ALGORITHM and all(isinstance(value, str) for value in header.values()))
    return header


def _verify_signature(token: str, key: Key) -> dict[str, Any]:
    _header_part, payload, signature = token.split(".")
    _decode_base64url(payload), _decode_base64url(signature)
    return _parse_json_object(cast("bytes", jws.verify(token, key, [ALGORITHM])))


def _parse_json_object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object in UTF-8, without duplicate names, NaN or Infinity."""
    value = json.loads(
        raw.decode("utf-8"), object_pairs_hook=_reject_duplicate_names, parse_constant=_reject_constant
    )
    _require(isinstance(value, dict))
    return cast("dict[str, Any]", value)


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    _require(len(value) == len(pairs))
    return value


def _decode_base64url(text: str) -> bytes:
    """Read base64url in its one canonical spelling: two texts must not be the same token."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    _require(encode_base64url(raw) == text)
    return raw


def _decode_coordinate(text: str) -> int:
    raw = _decode_base64url(text)
    _require(len(raw) == KEY_BYTES)
    return int.from_bytes(raw, "big")


def _reject_constant(_: str) -> None:
    raise ValueError


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _require_text(value: Any) -> str:
    _require(isinstance(value, str))
    return cast("str", value)


def _parse_uuid(value: Any) -> uuid.UUID:
    found = uuid.UUID(_require_text(value))
    _require(str(found) == value)
    return found


def _require_seconds(value: Any) -> int:
    _require(type(value) is int and value >= 0)  # True is an int to Python, 1e9 a float to JSON
    return cast("int", value)

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

from app.access.keyring import KEY_BYTES, CurrentKeyRing, KeyRing, base64url, public_jwk
from app.errors import Unauthenticated

ALGORITHM = "ES256"
TYPE = "at+jwt"
MAX_LENGTH = 4096
"""Characters of a whole token."""
MAX_HEADER = 512
"""Characters of its first part."""
MAX_LIFETIME = 86_400
"""Seconds; a token that claims more was not meant to be one."""
MAX_ASSERTION_LIFETIME = 300
"""Seconds a client's assertion may still live."""
MAX_ASSERTION_ID = 255
LEEWAY = 5
"""Seconds by which another machine's clock may run ahead of ours; never granted to `exp`."""
REMEMBERED = 4096
"""Signatures kept as verified."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}", re.ASCII)

Kind = Literal["person", "client"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. It proves who is asking; what they may do is read from the database."""

    subject: uuid.UUID
    kind: Kind
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


class _Keys:
    """One ring's keys as the library wants them, and the claims verified with them, by the token's SHA-256."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.signer = jwk.construct(ring.signing_keys[ring.signing_active], ALGORITHM)
        public = {kid: key.public_key() for kid, key in ring.signing_keys.items()}
        self.verifiers = {kid: jwk.construct(key, ALGORITHM) for kid, key in public.items()}
        self.published = {kid: public_jwk(key) for kid, key in public.items()}
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()
        self._lock = Lock()

    def remembered(self, digest: bytes, now: float) -> Claims | None:
        with self._lock:
            claims = self._verified.pop(digest, None)
            if claims is None or claims.expires_at <= now:
                return None
            self._verified[digest] = claims  # again the most recently used
            return claims

    def remember(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._verified[digest] = claims
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)


class Tokens:
    """Issues and verifies the access tokens of one issuer; follows the ring's file while running."""

    def __init__(
        self,
        keyring: KeyRing,
        issuer: str,
        audience: str = "first-step-api",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._current = CurrentKeyRing(keyring)
        self._keys = _Keys(keyring)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def issue(  # one argument for each thing a token says
        self,
        subject: uuid.UUID,
        *,
        kind: Kind,
        session_id: uuid.UUID,
        scope: str,
        lifetime: int,
        auth_time: int | None,
        amr: tuple[str, ...],
    ) -> str:
        """Return a signed token that lives `lifetime` seconds. Raises `ValueError` for one `verify` would refuse."""
        now = int(self._clock())
        keys = self._follow(self._current.now())
        names = {"iss": self._issuer, "aud": self._audience, "sub": str(subject), "jti": str(uuid.uuid4())}
        times = {"iat": now, "nbf": now, "exp": now + lifetime}
        rest = {"sid": str(session_id), "kind": kind, "scope": scope, "auth_time": auth_time, "amr": amr}
        header = {"typ": TYPE, "kid": keys.ring.signing_active}
        token = str(jws.sign({**names, **times, **rest}, keys.signer, headers=header, algorithm=ALGORITHM))
        if not 0 < lifetime <= MAX_LIFETIME or len(token) > MAX_LENGTH:
            raise ValueError("This token would be refused.")
        return token

    def verify(self, token: str) -> Claims:
        """Return the claims of a token that is ours, whole and current. Raises `Unauthenticated`, for any cause."""
        try:
            return self._verified(token)
        except Exception:  # noqa: BLE001  # RecursionError and TypeError too: one answer
            raise Unauthenticated from None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys that verify our tokens (RFC 7517), the active one first."""
        keys = self._follow(self._current.now())
        kids = sorted(keys.published, key=lambda kid: (kid != keys.ring.signing_active, kid))
        return {"keys": [{**keys.published[kid], "alg": ALGORITHM, "use": "sig", "kid": kid} for kid in kids]}

    def _follow(self, ring: KeyRing) -> _Keys:
        """Return the ring's keys; what was verified with an earlier ring is forgotten: a key may have been retired."""
        if ring is not self._keys.ring:
            self._keys = _Keys(ring)
        return self._keys

    def _verified(self, token: str) -> Claims:
        _require(isinstance(token, str) and len(token) <= MAX_LENGTH)
        keys, now = self._follow(self._current.now()), self._clock()
        digest = hashlib.sha256(token.encode("ascii")).digest()
        claims = keys.remembered(digest, now) or self._proven(token, digest)
        _require(max(claims.not_before, claims.issued_at) - LEEWAY <= now < claims.expires_at)
        return claims

    def _proven(self, token: str, digest: bytes) -> Claims:
        header, keys = _header(token), self._keys
        _require(header.keys() == {"alg", "typ", "kid"} and header["typ"] == TYPE)
        if header["kid"] not in keys.verifiers:  # perhaps another process has just added the key
            keys = self._follow(self._current.look())
        claims = self._claims(_signed_object(token, keys.verifiers[header["kid"]]))
        keys.remember(digest, claims)
        return claims

    def _claims(self, said: Mapping[str, Any]) -> Claims:
        _require(said["iss"] == self._issuer and said["aud"] == self._audience)
        _require(said["kind"] in {"person", "client"} and isinstance(said["amr"], list))
        claims = Claims(
            subject=_uuid(said["sub"]),
            kind=said["kind"],
            session_id=_uuid(said["sid"]),
            scope=_text(said["scope"]),
            jti=_uuid(said["jti"]),
            issued_at=_seconds(said["iat"]),
            not_before=_seconds(said["nbf"]),
            expires_at=_seconds(said["exp"]),
            auth_time=None if said["auth_time"] is None else _seconds(said["auth_time"]),
            amr=tuple(_text(method) for method in said["amr"]),
        )
        _require(0 < claims.expires_at - claims.issued_at <= MAX_LIFETIME)
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
        _require(isinstance(assertion, str) and len(assertion) <= MAX_LENGTH)
        header = _header(assertion)
        _require({"alg"} <= header.keys() <= {"alg", "typ", "kid"})
        _require(header.get("typ", "JWT") in {"JWT", "client-authentication+jwt"})
        said = _signed_object(assertion, jwk.construct(read_public_jwk(public_key), ALGORITHM))
        return _assertion_claims(said, client_id, issuer, clock())
    except Exception:  # noqa: BLE001  # as in `Tokens.verify`
        raise Unauthenticated from None


def read_public_jwk(key: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return the P-256 public key a client registered. Raises `ValueError` for anything else, a private key above all."""
    if not isinstance(key, Mapping) or "d" in key or (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise ValueError("A public P-256 key is needed (kty EC, crv P-256, x, y).")
    try:
        x, y = (_coordinate(key[name]) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise ValueError("The key's x and y are not a point of P-256.") from None


def _assertion_claims(said: Mapping[str, Any], client_id: str, issuer: str, now: float) -> tuple[str, int]:
    _require(said["iss"] == said["sub"] == client_id and said["aud"] == issuer)
    jti, expires_at = _text(said["jti"]), _seconds(said["exp"])
    _require(0 < len(jti) <= MAX_ASSERTION_ID and jti.isprintable())
    _require(now < expires_at <= now + MAX_ASSERTION_LIFETIME)
    _require(all(_seconds(said[name]) - LEEWAY <= now for name in ("nbf", "iat") if name in said))
    return jti, expires_at


def _header(token: str) -> dict[str, Any]:
    """Return the header of a token of the right shape, whose only algorithm is ours and whose members are texts."""
    _require(_SHAPE.fullmatch(token) is not None)
    encoded = token.partition(".")[0]
    _require(len(encoded) <= MAX_HEADER)
    header = _object(_decoded(encoded))
    _require(header.get("alg") == ALGORITHM and all(isinstance(value, str) for value in header.values()))
    return header


def _signed_object(token: str, key: Key) -> dict[str, Any]:
    _header_part, payload, signature = token.split(".")
    _decoded(payload), _decoded(signature)
    return _object(cast("bytes", jws.verify(token, key, [ALGORITHM])))


def _object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object in UTF-8, without duplicate names, NaN or Infinity."""
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    _require(isinstance(value, dict))
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    _require(len(value) == len(pairs))
    return value


def _decoded(text: str) -> bytes:
    """Read base64url in its one canonical spelling: two texts must not be the same token."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    _require(base64url(raw) == text)
    return raw


def _coordinate(text: str) -> int:
    raw = _decoded(text)
    _require(len(raw) == KEY_BYTES)
    return int.from_bytes(raw, "big")


def _refuse(_: str) -> None:
    raise ValueError


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _text(value: Any) -> str:
    _require(isinstance(value, str))
    return cast("str", value)


def _uuid(value: Any) -> uuid.UUID:
    found = uuid.UUID(_text(value))
    _require(str(found) == value)
    return found


def _seconds(value: Any) -> int:
    _require(type(value) is int and value >= 0)  # True is an int to Python, 1e9 a float to JSON
    return cast("int", value)

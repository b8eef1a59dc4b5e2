"""Who is at the other end of the connection, as far as it can be known."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

UNKNOWN = "unknown"
"""The address of a peer that has none (a Unix socket, a test)."""

MAX_HOPS = 20
"""Entries of X-Forwarded-For looked at, from the right."""

_Address = IPv4Address | IPv6Address


def client_address(scope: Scope, trusted_proxies: tuple[str, ...] = ()) -> str:
    """Return the client's IP address, or `UNKNOWN`.

    `trusted_proxies` are addresses or networks. X-Forwarded-For is believed only from such a peer, and then only
    up to its rightmost entry that is no trusted proxy itself: whatever stands left of it may be invented (ASVS V4.1.3).
    """
    peer = scope.get("client")
    host = peer[0] if peer else ""
    if not trusted_proxies or not _is_trusted(host, trusted_proxies):
        return _normal(host)
    return _forwarded(scope, host, trusted_proxies)


def rate_key(address: str) -> str:
    """Return what a limit per address counts by: an IPv6 subscriber holds a /64, not one address."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address


def _forwarded(scope: Scope, peer: str, trusted_proxies: tuple[str, ...]) -> str:
    nearest = _normal(peer)
    for entry in reversed(_hops(scope)[-MAX_HOPS:]):
        parsed = _parse(entry)
        if parsed is None:
            return nearest
        nearest = str(parsed)
        if not _is_trusted(nearest, trusted_proxies):
            return nearest
    return nearest


def _hops(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(values).split(",") if values else []


@lru_cache(maxsize=4096)
def _parse(entry: str) -> _Address | None:
    """Read `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`; None for anything else."""
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _normal(host: str) -> str:
    parsed = _parse(host)
    return UNKNOWN if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def _is_trusted(host: str, trusted_proxies: tuple[str, ...]) -> bool:
    address = _parse(host)
    return address is not None and any(
        address in ip_network(proxy, strict=False) for proxy in trusted_proxies
    )

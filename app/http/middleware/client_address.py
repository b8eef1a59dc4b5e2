"""Determine the client's IP address, directly or behind trusted proxies."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

UNKNOWN = "unknown"
"""The address of a client without an IP address (a Unix socket or a test)."""

MAX_HOPS = 20
"""Maximum number of X-Forwarded-For entries that are read, from the right."""

_Address = IPv4Address | IPv6Address


def get_client_address(scope: Scope, trusted_proxies: tuple[str, ...] = ()) -> str:
    """Return the client's IP address, or `UNKNOWN`.

    `trusted_proxies` are addresses or networks. X-Forwarded-For is read only if the connection comes from a trusted
    proxy. The client is then the rightmost entry that is not a trusted proxy, because clients can forge the entries to
    the left of it (ASVS V4.1.3).
    """
    peer = scope.get("client")
    host = peer[0] if peer else ""
    if not trusted_proxies or not _is_trusted(host, trusted_proxies):
        return _normalize_address(host)
    return _find_client_in_forwarded(scope, host, trusted_proxies)


def get_rate_limit_key(address: str) -> str:
    """Return the key of an address for rate limits. For IPv6 it is the /64 network, which one subscriber controls."""
    parsed = _parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address


def _find_client_in_forwarded(scope: Scope, peer: str, trusted_proxies: tuple[str, ...]) -> str:
    nearest = _normalize_address(peer)
    for entry in reversed(_get_forwarded_addresses(scope)[-MAX_HOPS:]):
        parsed = _parse_address(entry)
        if parsed is None:
            return nearest
        nearest = str(parsed)
        if not _is_trusted(nearest, trusted_proxies):
            return nearest
    return nearest


def _get_forwarded_addresses(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(values).split(",") if values else []


@lru_cache(maxsize=4096)
def _parse_address(entry: str) -> _Address | None:
    """Parse `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`; return None for other text."""
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


def _normalize_address(host: str) -> str:
    parsed = _parse_address(host)
    return UNKNOWN if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def _is_trusted(host: str, trusted_proxies: tuple[str, ...]) -> bool:
    address = _parse_address(host)
    return address is not None and any(
        address in ip_network(proxy, strict=False) for proxy in trusted_proxies
    )

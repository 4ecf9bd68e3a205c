"""Asks this machine's DNS resolvers for NS and CNAME records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dns.resolver import Resolver

DNS_TIMEOUT = 2.0
"""Seconds for an answer, of all resolvers together: longer is of no use to somebody who waits."""


class DnsError(Exception):
    """There was no answer, or none that can be read; the message says why."""


def query_dns(
    name: str, record_type: str, server: tuple[str, int] | None = None, timeout: float = DNS_TIMEOUT
) -> tuple[str, ...]:
    """The names that the NS or CNAME records of a name point to, in small letters and without the last dot.

    Empty when there are none. `server` is an address and a port; without one this machine's resolvers are asked, one
    after the other. Raises DnsError.
    """
    import dns.exception
    import dns.resolver

    try:
        resolver = _resolver(server)
        resolver.lifetime = timeout
        resolver.timeout = timeout / len(resolver.nameservers)
        answer = resolver.resolve(name, record_type, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return ()
    except (dns.exception.DNSException, OSError) as error:
        raise DnsError(f"DNS cannot resolve {name} ({error})") from None
    return tuple(sorted(str(record.target).rstrip(".").lower() for record in answer))


def _resolver(server: tuple[str, int] | None) -> Resolver:
    """Raises dns.resolver.NoResolverConfiguration."""
    from dns.resolver import Resolver

    if server is None:
        return Resolver()
    resolver = Resolver(configure=False)
    resolver.nameservers = [server[0]]
    resolver.port = server[1]
    return resolver


def configured_resolver(env: Mapping[str, str]) -> tuple[str, int] | None:
    """The resolver that ECOTUI_DNS=ADDRESS:PORT names; None for this machine's."""
    address, _, port = env.get("ECOTUI_DNS", "").rpartition(":")
    return (address, int(port)) if address and port.isdigit() else None


def local_aws_host(env: Mapping[str, str]) -> str:
    """The host of a stand-in for AWS on this machine, whose zones are in no DNS; empty for AWS itself."""
    if env.get("ECOTUI_DNS"):
        return ""
    host = urlsplit(env.get("AWS_ENDPOINT_URL", "")).hostname or ""
    return host if host in ("localhost", "127.0.0.1", "::1") else ""

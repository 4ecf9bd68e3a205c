"""Questions to the DNS: answers, none, those that cannot be read, truncated ones, and several resolvers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import dns.rcode
import dns.resolver
import pytest
from support.dns import FakeDns

from checks.tools.dns import DnsError, configured_resolver, local_aws_host, query_dns


@pytest.fixture
def server() -> Iterator[FakeDns]:
    fake = FakeDns()
    yield fake
    fake.close()


def test_the_servers_of_a_zone_are_found_and_a_zone_without_any_has_none(server: FakeDns) -> None:
    server.records["eco2.example", "NS"] = ["ns-2.awsdns.com", "NS-1.awsdns.com"]
    assert query_dns("eco2.example.", "NS", server.address) == ("ns-1.awsdns.com", "ns-2.awsdns.com")
    assert query_dns("other.example", "NS", server.address) == ()
    assert query_dns("eco2.example", "CNAME", server.address) == ()


@pytest.mark.parametrize("garbage", [b"x", b"\0" * 12, bytes([0xC0, 12] * 40)])
def test_an_answer_that_cannot_be_read_is_an_error_and_no_answer(server: FakeDns, garbage: bytes) -> None:
    server.garbage = garbage
    with pytest.raises(DnsError):
        query_dns("eco2.example", "NS", server.address, timeout=0.3)


def test_a_name_that_points_to_itself_is_an_error(server: FakeDns) -> None:
    server.keep_id, server.garbage = True, struct.pack(">5H", 0x8180, 0, 1, 0, 0) + b"\xc0\x0c"
    with pytest.raises(DnsError):
        query_dns("eco2.example", "NS", server.address, timeout=0.3)


def test_a_resolver_that_fails_is_an_error(server: FakeDns) -> None:
    server.rcode = dns.rcode.SERVFAIL
    with pytest.raises(DnsError, match="cannot resolve"):
        query_dns("eco2.example", "NS", server.address, timeout=0.3)


@pytest.mark.parametrize("name", ["a..b", "x" * 64])
def test_a_text_that_is_no_name_is_an_error(server: FakeDns, name: str) -> None:
    with pytest.raises(DnsError):
        query_dns(name, "NS", server.address)


def test_a_truncated_answer_is_asked_for_again_by_tcp(server: FakeDns) -> None:
    server.truncate = True
    server.records["eco2.example", "NS"] = ["ns-1.awsdns.com"]
    assert query_dns("eco2.example", "NS", server.address) == ("ns-1.awsdns.com",)
    assert [protocol for protocol, _ in server.queries] == ["udp", "tcp"]


def test_the_second_resolver_is_asked_when_the_first_is_silent(
    server: FakeDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.records["eco2.example", "NS"] = ["ns-1.awsdns.com"]
    resolver = dns.resolver.Resolver(configure=False)
    # TEST-NET-1 (RFC 5737): nobody answers there.
    resolver.nameservers = ["192.0.2.1", server.address[0]]
    resolver.port = server.address[1]
    monkeypatch.setattr("checks.tools.dns._resolver", lambda _: resolver)
    assert query_dns("eco2.example", "NS", timeout=1.0) == ("ns-1.awsdns.com",)


def test_a_machine_without_a_resolver_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_configuration(_: object) -> dns.resolver.Resolver:
        return dns.resolver.Resolver("/nowhere/resolv.conf")

    monkeypatch.setattr("checks.tools.dns._resolver", no_configuration)
    with pytest.raises(DnsError, match="nowhere"):
        query_dns("eco2.example", "NS")


def test_a_resolver_and_a_local_aws_come_from_the_environment() -> None:
    assert configured_resolver({"ECOTUI_DNS": "127.0.0.1:5353"}) == ("127.0.0.1", 5353)
    assert configured_resolver({"ECOTUI_DNS": "127.0.0.1"}) is None
    assert local_aws_host({"AWS_ENDPOINT_URL": "http://localhost:5000"}) == "localhost"
    assert local_aws_host({"AWS_ENDPOINT_URL": "https://aws.example"}) == ""
    assert local_aws_host({"AWS_ENDPOINT_URL": "http://localhost:5000", "ECOTUI_DNS": "127.0.0.1:1"}) == ""

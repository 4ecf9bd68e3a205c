"""A DNS server on loopback that answers from a table, by UDP and TCP."""

from __future__ import annotations

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class FakeDns:
    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        """Name and type to the names that they point to."""
        self.garbage = b""
        """What it sends instead of an answer."""
        self.keep_id = False
        """Put the id of the question before the garbage."""
        self.truncate = False
        """Send everything by UDP truncated and without records, as a server does whose answer is too long."""
        self.rcode = dns.rcode.NOERROR
        self.queries: list[tuple[str, bool]] = []
        """`udp` or `tcp`, and whether the query had EDNS."""
        self._udp, self._tcp = _bind_both()
        self.address: tuple[str, int] = self._udp.getsockname()
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def close(self) -> None:
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                data, client = self._udp.recvfrom(4096)
            except OSError:
                return
            self._udp.sendto(self._answer(data, "udp"), client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                length = int.from_bytes(connection.recv(2))
                answer = self._answer(connection.recv(length), "tcp")
                connection.sendall(len(answer).to_bytes(2) + answer)

    def _answer(self, data: bytes, protocol: str) -> bytes:
        query = dns.message.from_wire(data)
        self.queries.append((protocol, query.edns >= 0))
        if self.garbage:
            return (data[:2] if self.keep_id else b"") + self.garbage
        answer = dns.message.make_response(query)
        question = query.question[0]
        kind = question.rdtype.name
        found = self.records.get((question.name.to_text(omit_final_dot=True), kind), [])
        answer.set_rcode(self.rcode if found or self.rcode else dns.rcode.NXDOMAIN)
        if protocol == "udp" and self.truncate:
            answer.flags |= dns.flags.TC
        elif found:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *(f"{one}." for one in found)))
        return answer.to_wire()


def _bind_both() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket with the same number, which somebody else may have of one of them."""
    for _ in range(50):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp
    raise OSError("no port is free for both")

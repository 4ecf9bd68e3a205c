"""A throw-away certificate authority, for the demo's GitHub and Kubernetes APIs.

gh talks to github.com and kubectl sends its token over TLS only; so the demo needs certificates that they accept. The
authority's key never leaves this process, and only the tools that the demo itself starts trust its certificate.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

_LIFETIME = timedelta(days=7)
"""A demo that is left open over a weekend still works."""


class CertificateAuthority:
    """Issues certificates for loopback servers. Clients have to trust the file `certificate_path`."""

    def __init__(self, folder: Path) -> None:
        """Writes `<folder>/ca.pem`. The folder is made, readable by the owner alone."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._authority = trustme.CA(organization_name="ecotui demo")
        self.pem = self._authority.cert_pem.bytes()
        self.certificate_path = folder / "ca.pem"
        self.certificate_path.write_bytes(self.pem)

    def server_context(self, names: Sequence[str]) -> ssl.SSLContext:
        """A TLS context for a server that answers to these host names and IP addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        expires = datetime.now(UTC) + _LIFETIME
        self._authority.issue_cert(*names, not_after=expires).configure_cert(context)
        return context

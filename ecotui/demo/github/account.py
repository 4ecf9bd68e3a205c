"""What the demo's GitHub knows: one account, its tokens and their scopes, one repository."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Seconds until a device code is approved: an operator who watches sees that gh waits for something.
APPROVAL = 2.0
# Seconds that a device code is good for, as on github.com.
CODE_LIFE = 899


def new_token() -> str:
    """A token in the shape of github.com's OAuth tokens, so that redaction treats it as one."""
    return "gho_" + "".join(secrets.choice(_ALPHABET) for _ in range(36))


@dataclass
class Device:
    """A device code that was given out and waits for its approval."""

    scopes: frozenset[str]
    asked: float
    """On the monotonic clock."""


@dataclass
class Named:
    """A secret (without its value, which nobody can read back) or a variable."""

    name: str
    value: str
    created: str
    updated: str


@dataclass
class Account:
    """The operator's account. Every method may be called from any thread."""

    login: str
    repository: str
    """owner/name"""
    approval: float = APPROVAL
    secrets: dict[str, Named] = field(default_factory=dict)
    variables: dict[str, Named] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """METHOD path of the requests so far, for whoever wants to know what gh asked."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, frozenset[str]] = {}
        self._devices: dict[str, Device] = {}
        self._granted: frozenset[str] = frozenset()
        public = X25519PrivateKey.generate().public_key()
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public_key = base64.b64encode(raw).decode()
        """Secrets are sealed for this key; its private half is forgotten at once."""

    def issue(self, scopes: Iterable[str], *, consented: bool = True) -> str:
        """A new token. With `consented`, its scopes count as given to gh for later logins."""
        token, granted = new_token(), frozenset(scopes)
        with self._lock:
            self._tokens[token] = granted
            if consented:
                self._granted |= granted
        return token

    def scopes(self, token: str) -> frozenset[str] | None:
        """The scopes of a token; None when GitHub does not know it."""
        with self._lock:
            return self._tokens.get(token)

    def ask(self, scopes: Iterable[str]) -> tuple[str, str]:
        """Begin a device login: the device code (secret) and the code for the operator's browser."""
        device = secrets.token_hex(20)
        user = "-".join("".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4)) for _ in range(2))
        with self._lock:
            self._devices[device] = Device(frozenset(scopes), time.monotonic())
        return device, user

    def redeem(self, device: str) -> tuple[str, frozenset[str]] | str:
        """The token for a device code and its scopes, or GitHub's word for why there is none (yet)."""
        with self._lock:
            found = self._devices.get(device)
            if found is None:
                return "incorrect_device_code"
            waited = time.monotonic() - found.asked
            if waited > CODE_LIFE:
                return "expired_token"
            if waited < self.approval:
                return "authorization_pending"
            del self._devices[device]
            scopes = found.scopes | self._granted
        return self.issue(scopes), scopes

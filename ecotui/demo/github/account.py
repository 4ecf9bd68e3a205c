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

_TOKEN_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Seconds until a device code is approved: an operator who watches sees that gh waits for something.
APPROVAL_SECONDS = 2.0
# Seconds that a device code is good for, as on github.com.
CODE_LIFETIME_SECONDS = 899


def new_token() -> str:
    """A token in the shape of github.com's OAuth tokens, so that redaction treats it as one."""
    return "gho_" + "".join(secrets.choice(_TOKEN_ALPHABET) for _ in range(36))


@dataclass
class DeviceLogin:
    """A device code that was given out and waits for its approval."""

    scopes: frozenset[str]
    requested_at: float
    """On the monotonic clock."""


@dataclass
class ActionsEntry:
    """A secret (without its value, which nobody can read back) or a variable."""

    name: str
    value: str
    created_at: str
    updated_at: str


@dataclass
class GitHubAccount:
    """The operator's account. Every method may be called from any thread."""

    login: str
    repository: str
    """owner/name"""
    approval_seconds: float = APPROVAL_SECONDS
    secrets: dict[str, ActionsEntry] = field(default_factory=dict)
    variables: dict[str, ActionsEntry] = field(default_factory=dict)
    request_log: list[str] = field(default_factory=list)
    """METHOD path of the requests so far, for whoever wants to know what gh asked."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, frozenset[str]] = {}
        self._devices: dict[str, DeviceLogin] = {}
        self._granted_scopes: frozenset[str] = frozenset()
        public = X25519PrivateKey.generate().public_key()
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public_key = base64.b64encode(raw).decode()
        """Secrets are sealed for this key; its private half is forgotten at once."""

    def issue_token(self, scopes: Iterable[str], *, remember_scopes: bool = True) -> str:
        """A new token. With `consented`, its scopes count as given to gh for later logins."""
        token, granted = new_token(), frozenset(scopes)
        with self._lock:
            self._tokens[token] = granted
            if remember_scopes:
                self._granted_scopes |= granted
        return token

    def token_scopes(self, token: str) -> frozenset[str] | None:
        """The scopes of a token; None when GitHub does not know it."""
        with self._lock:
            return self._tokens.get(token)

    def start_device_login(self, scopes: Iterable[str]) -> tuple[str, str]:
        """Begin a device login: the device code (secret) and the code for the operator's browser."""
        device = secrets.token_hex(20)
        user = "-".join("".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4)) for _ in range(2))
        with self._lock:
            self._devices[device] = DeviceLogin(frozenset(scopes), time.monotonic())
        return device, user

    def redeem_device_code(self, device: str) -> tuple[str, frozenset[str]] | str:
        """The token for a device code and its scopes, or GitHub's word for why there is none (yet)."""
        with self._lock:
            found = self._devices.get(device)
            if found is None:
                return "incorrect_device_code"
            waited = time.monotonic() - found.requested_at
            if waited > CODE_LIFETIME_SECONDS:
                return "expired_token"
            if waited < self.approval_seconds:
                return "authorization_pending"
            del self._devices[device]
            scopes = found.scopes | self._granted_scopes
        return self.issue_token(scopes), scopes

"""The AWS session of a command or check: identity, clients, paginated listings, and errors in plain words.

Uses botocore without boto3: only its clients are needed, and every import costs start time. botocore itself is
imported with the first request.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from checks.aws.errors import AwsErrorKind, ExplainedError, aws_error_types, explain_aws_error, replace_login_fixes
from checks.aws.errors import unknown_aws_finding as _unknown
from checks.finding import Finding
from config import model

if TYPE_CHECKING:
    from checks.aws.botocore_session import BotocoreSession, CredentialSource

__all__ = ["AwsErrorKind", "AwsIdentity", "AwsSession", "ExplainedError", "aws_error_types", "explain_aws_error"]

CONNECT_TIMEOUT = 3.0
"""Seconds for the TCP connection: a check gives up an endpoint that does not accept one in this time."""
MAX_ATTEMPTS = 5
"""Tries in all when AWS throttles or answers with a server error. Lost connections are not retried."""


class AwsIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The identity that AWS sees (sts:GetCallerIdentity), and the alias of its account."""

    account: str
    arn: str
    user_id: str
    alias: str = ""
    """Empty when the account has none, or it may not be read."""
    alias_known: bool = True
    """False when the alias could not be read."""


class AwsSession:
    """Credentials, region and endpoints come from the settings, the environment of this process, and its AWS files.

    `env` is that environment. Threads may share a session: clients are made one after the other under a lock (in
    parallel is slower), and botocore lets several threads call one client.
    """

    def __init__(self, settings: model.AwsSettings, env: Mapping[str, str]) -> None:
        self._settings = settings
        self._env = env
        self._lock = threading.RLock()
        self._session: BotocoreSession | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._identity: AwsIdentity | None = None

    @property
    def profile(self) -> str:
        """The profile in force; empty for the default one."""
        return self._settings.profile or self._env.get("AWS_PROFILE") or self._env.get("AWS_DEFAULT_PROFILE", "")

    @property
    def region(self) -> str:
        """The region in force; empty when neither settings, environment nor profile name one."""
        if self._settings.region:
            return self._settings.region
        with self._lock:
            try:
                return self._open_session().region
            except aws_error_types():
                return ""

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, made on first use. Raises botocore's errors for missing credentials or region."""
        region = region or self.region
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._open_session().client(service, region)
            return self._clients[key]

    def identity(self) -> AwsIdentity:
        """The identity, fetched once. Raises botocore's errors."""
        with self._lock:
            if self._identity is None:
                self._identity = self._fetch_identity()
            return self._identity

    def refetch_identity(self) -> AwsIdentity:
        """The identity, fetched again: right before a change. Raises botocore's errors."""
        with self._lock:
            self._identity = None
            return self.identity()

    def credential_source(self) -> CredentialSource:
        """Where the credentials come from, and when they expire. Raises NoCredentialsError, and other errors of a client."""
        with self._lock:
            return self._open_session().credential_source()

    def profiles(self) -> tuple[str, ...]:
        """The profiles in the configuration files, sorted."""
        with self._lock:
            return self._open_session().profiles

    def paginate(
        self, service: str, operation: str, key: str, *, region: str | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Every item of a listing, page after page. `key` leads to the list: `Reservations`, `DistributionList.Items`.

        `operation` is the client's method: `describe_instances`. Raises botocore's errors.
        """
        client = self.client(service, region)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**kwargs)
        else:
            pages = iter([getattr(client, operation)(**kwargs)])
        for page in pages:
            found: Any = page
            for part in key.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
            yield from found or ()

    def explain(self, error: BaseException, action: str = "") -> ExplainedError:
        """`explain_aws_error` for the profile and region in force."""
        explained = explain_aws_error(error, action, profile=self.profile, region=self._settings.region)
        uses_variables = bool(self._env.get("AWS_ACCESS_KEY_ID")) and not self._settings.profile
        return replace_login_fixes(explained) if uses_variables else explained

    def unknown_finding(self, id: str, step: str, title: str, error: BaseException, action: str = "") -> Finding:
        """The finding for a check that failed with this error."""
        return _unknown(id, step, title, self.explain(error, action))

    def _open_session(self) -> BotocoreSession:
        if self._session is None:
            from checks.aws.botocore_session import BotocoreSession

            self._session = BotocoreSession(
                profile=self._settings.profile,
                region=self._settings.region,
                connect_timeout=min(CONNECT_TIMEOUT, self._settings.timeout),
                read_timeout=self._settings.timeout,
                attempts=MAX_ATTEMPTS,
            )
        return self._session

    def _fetch_identity(self) -> AwsIdentity:
        answer = self.client("sts", self.region or "us-east-1").get_caller_identity()
        identity = partial(AwsIdentity, account=answer["Account"], arn=answer["Arn"], user_id=answer["UserId"])
        try:
            aliases = self.client("iam", self.region or "us-east-1").list_account_aliases()["AccountAliases"]
        except aws_error_types():
            return identity(alias_known=False)
        return identity(alias=aliases[0] if aliases else "")

"""The botocore session of this process: its own environment and configuration files, with limits that a check needs.

What differs from botocore's default: time-outs, no retry of lost connections, one try at the metadata service, no
prompt for an MFA code, and a `credential_process` that is killed when it does not end.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, NoReturn

import botocore.session
import msgspec
from botocore import credentials as providers
from botocore.config import Config
from botocore.exceptions import CredentialRetrievalError, HTTPClientError, NoCredentialsError, NoRegionError

from checks.aws.errors import SERVICE_METADATA_KEY, CredentialProcessTimeout, MfaRequired
from checks.sanitize import one_line

METADATA_TIMEOUT = 1
"""Seconds, and one attempt: on a machine that is no EC2 instance nobody answers, and every check would wait."""
PROCESS_TIMEOUT = 20.0
"""Seconds for a `credential_process`; such tools may themselves ask a server."""

_MAX_CONNECTION_ATTEMPTS = 1
"""A lost connection is not retried: a dead endpoint must be reported in seconds, and a check can be repeated."""


class CredentialSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the credentials come from; never what they are."""

    method: str
    """botocore's word for it: `env`, `shared-credentials-file`, `sso`, `assume-role`, `custom-process`, ..."""
    profile: str
    expires: float | None = None
    """Seconds since the epoch; None for credentials that do not expire, or whose end is not known."""


class BotocoreSession:
    """One session for one profile. Callers lock while clients are made: botocore's sessions are not thread-safe."""

    def __init__(
        self, *, profile: str, region: str, connect_timeout: float, read_timeout: float, attempts: int
    ) -> None:
        self._session = session = botocore.session.Session(profile=profile or None)
        if not os.environ.get("HOME"):  # botocore would read the files of the account that runs this process
            for name, variable in (
                ("config_file", "AWS_CONFIG_FILE"),
                ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE"),
            ):
                session.set_config_variable(name, os.environ.get(variable, os.devnull))
        if region := region or os.environ.get("AWS_REGION", ""):  # botocore knows AWS_DEFAULT_REGION only
            session.set_config_variable("region", region)
        session.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT)
        session.set_config_variable("metadata_service_num_attempts", 1)
        session.set_default_client_config(
            Config(
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                retries={"mode": "adaptive", "total_max_attempts": attempts},
                max_pool_connections=16,
            )
        )
        events = session.get_component("event_emitter")
        events.register_first("needs-retry", _skip_retry_on_connection_errors)
        events.register("after-call", _record_service_name)
        self._has_resolved_credentials = False
        self._credentials: Any = None

    @property
    def region(self) -> str:
        """Settings, then AWS_REGION, then AWS_DEFAULT_REGION and the profile; empty when none names one."""
        return str(self._session.get_config_variable("region") or "")

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles in the configuration files, sorted."""
        return tuple(sorted(self._session.available_profiles))

    def client(self, service: str, region: str) -> Any:
        """A client with our time-outs and retries. Raises NoCredentialsError before anything is sent."""
        if not region:
            raise NoRegionError
        if self.credentials() is None:
            raise NoCredentialsError
        return self._session.create_client(service, region_name=region)

    def credentials(self) -> Any:
        """botocore's credentials, resolved once; None when there are none (that is remembered as well)."""
        if not self._has_resolved_credentials:
            try:
                self._session.register_component("credential_provider", _credential_resolver(self._session))
                self._credentials = self._session.get_credentials()
            except (OSError, ValueError, AttributeError, TypeError) as error:
                # A credential_process that is missing, not executable, or prints something else than a JSON object.
                raise CredentialRetrievalError(provider="credential_process", error_msg=one_line(str(error))) from error
            self._has_resolved_credentials = True
        return self._credentials

    def credential_source(self) -> CredentialSource:
        """Where the credentials come from, and when they expire. Raises NoCredentialsError."""
        found = self.credentials()
        if found is None:
            raise NoCredentialsError
        found.get_frozen_credentials()  # fetches those that are fetched late: only then their end is known
        expiry = getattr(found, "_expiry_time", None)
        return CredentialSource(
            method=str(found.method or ""),
            profile=str(self._session.get_config_variable("profile") or ""),
            expires=expiry.timestamp() if expiry is not None else None,
        )


def _credential_resolver(session: Any) -> Any:
    """botocore's default chain, with guarded roles and processes, and without the two providers of the first boto."""
    resolver = providers.create_credential_resolver(session)
    profile = session.get_config_variable("profile") or "default"
    cache: dict[str, Any] = {}
    role = providers.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=session.create_client,
        cache=cache,
        profile_name=profile,
        prompter=_refuse_mfa_prompt,
        credential_sourcer=providers.CanonicalNameCredentialSourcer(
            [providers.EnvProvider(), resolver.get_provider("container-role"), resolver.get_provider("iam-role")]
        ),
        profile_provider_builder=_ProfileProviders(session, cache=cache),
    )
    guarded = {one.METHOD: one for one in (role, _process_provider(session, profile))}
    resolver.providers[:] = [
        guarded.get(one.METHOD, one)
        for one in resolver.providers
        if one.METHOD not in ("ec2-credentials-file", "boto-config")
    ]
    return resolver


class _ProfileProviders(providers.ProfileProviderBuilder):  # type: ignore[misc]
    """The providers of a role's source profile, with a process that is killed when it does not end."""

    def __init__(self, session: Any, cache: dict[str, Any]) -> None:
        super().__init__(session, cache=cache)
        self._owner = session

    def providers(self, profile_name: str, disable_env_vars: bool = False) -> list[Any]:
        return [
            _process_provider(self._owner, profile_name) if isinstance(one, providers.ProcessProvider) else one
            for one in super().providers(profile_name, disable_env_vars)
        ]


def _process_provider(session: Any, profile: str) -> Any:
    return providers.ProcessProvider(profile, lambda: session.full_config, popen=_start_credential_process)


def _start_credential_process(argv: Sequence[str], **pipes: Any) -> _CredentialProcess:
    return _CredentialProcess(list(argv), stdin=subprocess.DEVNULL, start_new_session=True, **pipes)


class _CredentialProcess(subprocess.Popen[bytes]):
    """A process that is killed, with all that it started, when it does not end in time."""

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        try:
            return super().communicate(input, timeout=timeout or PROCESS_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            super().communicate()
            command = self.args if isinstance(self.args, str) else shlex.join(map(str, self.args))  # type: ignore[arg-type]
            raise CredentialProcessTimeout(command.split(" ")[0], PROCESS_TIMEOUT) from None


def _refuse_mfa_prompt(prompt: str) -> NoReturn:
    raise MfaRequired(one_line(prompt))


def _skip_retry_on_connection_errors(
    attempts: int = 0, caught_exception: BaseException | None = None, **_: Any
) -> None:
    """Retries are for throttling and server errors; an error of the connection is raised at once."""
    if isinstance(caught_exception, HTTPClientError) and attempts >= _MAX_CONNECTION_ATTEMPTS:
        raise caught_exception


def _record_service_name(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """An error names its operation, not its service; the missing IAM action needs both."""
    if "Error" in parsed:
        parsed.setdefault("ResponseMetadata", {})[SERVICE_METADATA_KEY] = model.service_model.service_name

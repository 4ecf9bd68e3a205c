"""A botocore session that sees only the environment it is given.

botocore reads os.environ in many places. Here every one of them that matters is fed with a mapping instead: the
configuration chain, the credential providers, endpoint URLs, proxies, and the folder of cached SSO tokens. Nothing
prompts: a profile that wants an MFA code raises MfaNeeded.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import botocore.session
import msgspec
from botocore import credentials as providers
from botocore.config import Config
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConfigChainFactory,
    ConfiguredEndpointProvider,
)
from botocore.exceptions import (
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.utils import InstanceMetadataFetcher, JSONFileCache, resolve_imds_endpoint_mode

from checks.aws.errors import SERVICE_METADATA_KEY, CredentialProcessTimeout, MfaRequired
from checks.sanitize import one_line

METADATA_TIMEOUT = 1
"""Seconds, and one attempt: on a machine that is no EC2 instance nobody answers, and every look would wait."""
PROCESS_TIMEOUT = 20.0
"""Seconds for a `credential_process`; such tools may themselves ask a server."""

_MAX_CONNECTION_ATTEMPTS = 1
"""A connection that failed is tried no further: a dead endpoint must be told in seconds, and a look can be repeated."""


class CredentialSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the credentials come from; never what they are."""

    method: str
    """botocore's word for it: `env`, `shared-credentials-file`, `sso`, `assume-role`, `custom-process`, ..."""
    profile: str
    expires: float | None = None
    """Seconds since the epoch; None for credentials that do not expire, or whose end is not known."""


class IsolatedSession(botocore.session.Session):  # type: ignore[misc]
    """One session for one profile and one environment. Not safe to share while clients are made: callers lock."""

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        profile: str,
        region: str,
        connect_timeout: float,
        read_timeout: float,
        attempts: int,
    ) -> None:
        self._env = dict(env)
        super().__init__()
        store = self.get_component("config_store")
        chains = ConfigChainFactory(session=self, environ=self._env)
        for name, (key, variable, default, cast) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
            chain = chains.create_config_chain(
                instance_name=name,
                env_var_names=variable,
                config_property_names=key,
                default=default,
                conversion_func=cast,
            )
            store.set_config_provider(name, chain)
        self._home = self._env.get("HOME", "")
        for name, variable, file in (
            ("config_file", "AWS_CONFIG_FILE", "config"),
            ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ):
            self.set_config_variable(name, self._expand_path(self._env.get(variable) or f"~/.aws/{file}"))
        self._explicit_profile = bool(profile)
        if profile:
            self.set_config_variable("profile", profile)
        self._settings_region = region
        self._limits = Config(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"mode": "adaptive", "total_max_attempts": attempts},
            ignore_configured_endpoint_urls=True,
            max_pool_connections=16,
        )
        self._cached_credentials: Any = None
        self._has_resolved_credentials = False
        events = self.get_component("event_emitter")
        events.register_first("needs-retry", _skip_retry_on_connection_errors)
        events.register("after-call", _record_service_name)

    @property
    def region(self) -> str:
        """Settings, then AWS_REGION, then AWS_DEFAULT_REGION and the profile; empty when none names one."""
        return self._settings_region or self._env.get("AWS_REGION", "") or str(self.get_config_variable("region") or "")

    def client_for(self, service: str, region: str) -> Any:
        """A client with our timeouts and retries. Raises NoCredentialsError before anything is sent."""
        if not region:
            raise NoRegionError
        if self.get_credentials() is None:
            raise NoCredentialsError
        return self.create_client(service, region_name=region)

    def create_client(self, service_name: str, region_name: str | None = None, **given: Any) -> Any:
        """As botocore's; endpoint, proxies and certificates come from the environment given.

        Clients that botocore makes for itself (STS for a role, SSO) come through here too.
        """
        endpoint = given.get("endpoint_url") or self._endpoint_url(service_name)
        region = region_name or self.region or None
        config = self._limits.merge(Config(proxies=self._proxies(service_name, region, endpoint)))
        if given.get("config") is not None:
            config = config.merge(given["config"])
        if given.get("verify") is None:
            bundle = self.get_config_variable("ca_bundle") or self._env.get("REQUESTS_CA_BUNDLE")
            given["verify"] = self._expand_path(bundle) if bundle else True
        given |= {"endpoint_url": endpoint, "config": config}
        return super().create_client(service_name, region_name=region, **given)

    def get_credentials(self) -> Any:
        """The credentials, looked for once; None when there are none (that, too, is remembered)."""
        if not self._has_resolved_credentials:
            try:
                self._cached_credentials = self._credential_resolver().load_credentials()
            except (OSError, ValueError, AttributeError, TypeError) as error:
                # A credential_process that is missing, not executable, or prints something else than a JSON object.
                raise CredentialRetrievalError(provider="credential_process", error_msg=one_line(str(error))) from error
            self._has_resolved_credentials = True
        return self._cached_credentials

    def credential_source(self) -> CredentialSource:
        """Where the credentials come from, and until when they hold. Raises NoCredentialsError."""
        found = self.get_credentials()
        if found is None:
            raise NoCredentialsError
        found.get_frozen_credentials()  # fetches what is fetched late, so that the end is known
        ends = getattr(found, "_expiry_time", None)
        return CredentialSource(
            method=str(found.method or ""),
            profile=str(self.get_config_variable("profile") or ""),
            expires=ends.timestamp() if ends is not None else None,
        )

    def _expand_path(self, text: str) -> str:
        """A path with `~` of the environment given. Without HOME there are no files of the user."""
        if text == "~" or text.startswith("~/"):
            return self._home + text[1:] if self._home else os.devnull
        return text

    def _endpoint_url(self, service: str) -> str | None:
        if self.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        found = ConfiguredEndpointProvider(
            full_config=self.full_config,
            scoped_config=self.get_scoped_config(),
            client_name=service,
            environ=self._env,
        ).provide()
        return str(found) if found else None

    def _proxies(self, service: str, region: str | None, endpoint: str | None) -> dict[str, str]:
        named = {
            key[: -len("_proxy")].lower(): value
            for key, value in sorted(self._env.items(), key=lambda item: item[0].islower())
            if key.lower() in ("http_proxy", "https_proxy", "no_proxy") and value
        }
        host = urllib.parse.urlsplit(endpoint).netloc if endpoint else f"{service}.{region}.amazonaws.com"
        if urllib.request.proxy_bypass_environment(host, named):  # type: ignore[attr-defined]
            return {}
        return {scheme: named[scheme] for scheme in ("http", "https") if scheme in named}

    def _credential_resolver(self) -> providers.CredentialResolver:
        """botocore's default chain, in its order, without the two providers of the first boto."""
        profile = self.get_config_variable("profile") or "default"
        cache: dict[str, Any] = {}
        environment = providers.EnvProvider(environ=self._env)
        container = providers.ContainerProvider(environ=self._env)
        instance = providers.InstanceMetadataProvider(
            iam_role_fetcher=InstanceMetadataFetcher(
                timeout=METADATA_TIMEOUT,
                num_attempts=1,
                env=self._env,
                user_agent=self.user_agent(),
                config={
                    "ec2_metadata_service_endpoint": self.get_config_variable("ec2_metadata_service_endpoint"),
                    "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(self),
                    "ec2_metadata_v1_disabled": self.get_config_variable("ec2_metadata_v1_disabled"),
                },
            )
        )
        of_profile = _ProfileProviders(self, cache, self._env, self._expand_path("~/.aws"))
        role = providers.AssumeRoleProvider(
            load_config=lambda: self.full_config,
            client_creator=self.create_client,
            cache=cache,
            profile_name=profile,
            prompter=_refuse_mfa_prompt,
            credential_sourcer=providers.CanonicalNameCredentialSourcer([environment, container, instance]),
            profile_provider_builder=of_profile,
        )
        chain = [role, *of_profile.providers(profile, self._explicit_profile), container, instance]
        if not self._explicit_profile:  # a profile that was named on purpose beats keys in the environment
            chain.insert(0, environment)
        return providers.CredentialResolver(providers=chain)


class _ProfileProviders(providers.ProfileProviderBuilder):  # type: ignore[misc]
    """What a profile can name as its source, with token caches, web identity and processes of the environment given."""

    def __init__(self, session: IsolatedSession, cache: dict[str, Any], env: Mapping[str, str], folder: str) -> None:
        self._env = env
        self._owner = session
        super().__init__(
            session,
            cache=cache,
            sso_token_cache=JSONFileCache(f"{folder}/sso/cache"),
            login_token_cache=JSONFileCache(env.get("AWS_LOGIN_CACHE_DIRECTORY") or f"{folder}/login/cache"),
        )
        self._role_cache = cache

    def providers(self, profile_name: str, disable_env_vars: bool = False) -> list[Any]:
        replaced: list[Any] = []
        for provider in super().providers(profile_name, disable_env_vars=True):
            if isinstance(provider, providers.ProcessProvider):
                provider = providers.ProcessProvider(profile_name, self._config, popen=self._start_credential_process)
            elif isinstance(provider, providers.AssumeRoleWithWebIdentityProvider) and not disable_env_vars:
                provider = providers.AssumeRoleWithWebIdentityProvider(
                    load_config=lambda: self._config_with_web_identity(profile_name),
                    client_creator=self._owner.create_client,
                    profile_name=profile_name,
                    cache=self._role_cache,
                    disable_env_vars=True,
                )
            replaced.append(provider)
        return replaced

    def _config(self) -> Any:
        return self._owner.full_config

    def _config_with_web_identity(self, profile: str) -> dict[str, Any]:
        """The configuration with what the environment says about a web identity (EKS) laid over the profile."""
        named = {
            key: self._env[variable]
            for key, variable in (
                ("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"),
                ("role_session_name", "AWS_ROLE_SESSION_NAME"),
                ("role_arn", "AWS_ROLE_ARN"),
            )
            if variable in self._env
        }
        profiles = self._config().get("profiles", {})
        return {"profiles": {profile: {**profiles.get(profile, {}), **named}}}

    def _start_credential_process(self, argv: Sequence[str], **pipes: Any) -> _CredentialProcess:
        return _CredentialProcess(
            list(argv), env=dict(self._env), stdin=subprocess.DEVNULL, start_new_session=True, **pipes
        )


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
    """Retries are for throttling and server errors; without a connection the error is raised as it is."""
    if isinstance(caught_exception, HTTPClientError) and attempts >= _MAX_CONNECTION_ATTEMPTS:
        raise caught_exception


def _record_service_name(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """An error tells its operation, not its service; the IAM action that was missing needs both."""
    if "Error" in parsed:
        parsed.setdefault("ResponseMetadata", {})[SERVICE_METADATA_KEY] = model.service_model.service_name

"""What went wrong with an AWS call, in plain words, and what the operator can do about it.

Error codes differ by protocol (query, JSON, REST-XML); the lists hold every spelling that was met.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from checks.aws.fixes import (
    list_profiles_fix,
    mfa_credentials_fix,
    new_credentials_fixes,
    renew_variables_fix,
    request_permission_fix,
    sso_login_fix,
)
from checks.aws.iam import iam_action
from checks.finding import CheckState, Finding, Fix
from checks.sanitize import one_line, sanitize

CallResult = TypeVar("CallResult")


class AwsErrorKind(StrEnum):
    """What sort of trouble it is, for code that reacts to it."""

    NO_CREDENTIALS = "no-credentials"
    EXPIRED = "expired"
    INVALID = "invalid-credentials"
    SSO = "sso-expired"
    MFA = "mfa"
    DENIED = "denied"
    THROTTLED = "throttled"
    NETWORK = "network"
    TIMEOUT = "timeout"
    CONFIGURATION = "configuration"
    SERVER = "server"
    OTHER = "other"


class ExplainedError(msgspec.Struct, frozen=True, kw_only=True):
    """An AWS error, explained."""

    kind: AwsErrorKind
    summary: str
    denied: tuple[str, ...] = ()
    state: CheckState = CheckState.UNKNOWN
    raw: str = ""
    fixes: tuple[Fix, ...] = ()
    code: str = ""
    """AWS's own error code, where there is one."""

    @property
    def is_transient(self) -> bool:
        """Likely to go away by itself: worth another try while waiting."""
        return self.kind in TRANSIENT_KINDS


class MfaRequired(Exception):
    """The profile wants a code from an MFA device; a look never asks for one."""


class CredentialProcessTimeout(Exception):
    """The profile's `credential_process` did not end in time and was killed."""

    def __init__(self, command: str, timeout: float) -> None:
        super().__init__(f"credential_process did not end within {timeout:g} s: {command}")
        self.command = command
        self.timeout = timeout


def aws_error_types() -> tuple[type[Exception], ...]:
    """Everything that a call through `Aws` raises for trouble outside of this program."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError  # of neither family

    return (BotoCoreError, ClientError, ResponseParserError, MfaRequired, CredentialProcessTimeout)


def call_or_error(call: Callable[[], CallResult]) -> CallResult | Exception:
    """The answer, or the error instead of it: for threads whose answers are judged together."""
    try:
        return call()
    except aws_error_types() as error:
        return error


def aws_error_code(error: BaseException) -> str:
    """AWS's own error code (`NoSuchResourceException`); empty when AWS did not answer."""
    response = getattr(error, "response", None) or {}
    return one_line(str((response.get("Error") or {}).get("Code", "")), limit=80)


def has_error_code(error: BaseException, *codes: str) -> bool:
    """Whether AWS answered with one of these codes."""
    return aws_error_code(error) in codes


DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "UnauthorizedAccess",
     "AuthorizationErrorException", "NotAuthorized", "Forbidden", "403"}
)  # fmt: skip
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
INVALID_CREDENTIALS_CODES = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "InvalidAccessKeyId", "SignatureDoesNotMatch",
     "InvalidSignatureException", "IncompleteSignature", "InvalidToken", "InvalidUserID.NotFound"}
)  # fmt: skip
THROTTLED_CODES = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
     "RequestThrottledException", "TooManyRequestsException", "TooManyRequests", "SlowDown", "BandwidthLimitExceeded",
     "ProvisionedThroughputExceededException", "PriorRequestNotComplete", "LimitExceededException.Throttle"}
)  # fmt: skip
SERVER_CODES = frozenset({"ServiceUnavailable", "InternalError", "InternalFailure"})
REGION_DISABLED_CODES = frozenset({"OptInRequired", "IllegalLocationConstraintException", "UnsupportedRegion"})
CONFLICT_CODES = frozenset(
    {"DeleteConflict", "DependencyViolation", "BucketNotEmpty", "ResourceInUse", "ResourceInUseException",
     "CloudFrontOriginAccessIdentityInUse", "OriginAccessControlInUse", "DistributionNotDisabled", "PreconditionFailed",
     "InvalidIfMatchVersion", "ConcurrentModification", "ConcurrentModificationException", "OperationAborted",
     "ConditionalRequestConflict", "HostedZoneNotEmpty", "IncorrectInstanceState", "InvalidGroup.InUse",
     "InvalidNetworkInterface.InUse", "InvalidPlacementGroup.InUse", "InvalidIPAddress.InUse", "VolumeInUse"}
)  # fmt: skip
"""Refusals of a change that pass when another resource is gone, or when the change before has settled."""
NOT_FOUND_CODES = frozenset(
    {"NoSuchEntity", "NoSuchBucket", "NoSuchUpload", "NoSuchDistribution", "NoSuchHostedZone",
     "NoSuchCloudFrontOriginAccessIdentity", "NoSuchOriginAccessControl", "NoSuchResource", "ResourceNotFoundException",
     "NatGatewayNotFound", "LoadBalancerNotFound", "LoadBalancerNotFoundException", "TargetGroupNotFound",
     "TargetGroupNotFoundException", "ParameterNotFound", "Gateway.NotAttached",
     "InvalidPlacementGroup.Unknown", "404"}
)  # fmt: skip
"""Besides every code that ends with `.NotFound` or `.NotFoundException`."""
TRANSIENT_KINDS = frozenset({AwsErrorKind.THROTTLED, AwsErrorKind.NETWORK, AwsErrorKind.TIMEOUT, AwsErrorKind.SERVER})


def is_not_found(error: BaseException) -> bool:
    """True when AWS says that the resource does not exist (any more)."""
    code = aws_error_code(error)
    return code in NOT_FOUND_CODES or code.endswith((".NotFound", ".NotFoundException"))


def is_denied(error: BaseException) -> bool:
    """True when AWS refuses because a permission is missing."""
    return _response_kind(error) is AwsErrorKind.DENIED


def is_transient(error: BaseException) -> bool:
    """True when the same request may succeed later: a conflict, throttling, a server error, or no answer at all."""
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.exceptions import HTTPClientError

    return (
        isinstance(error, NoConnectionError | HTTPClientError)
        or aws_error_code(error) in CONFLICT_CODES
        or _response_kind(error) in TRANSIENT_KINDS
    )


def _response_kind(error: BaseException) -> AwsErrorKind:
    """What AWS's answer means, by its code, HTTP status and message; OTHER when AWS did not answer."""
    response = getattr(error, "response", None) or {}
    code = aws_error_code(error)
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    message = str((response.get("Error") or {}).get("Message", ""))
    if code in DENIED_CODES or (code not in EXPIRED_CODES and "not authorized to perform" in message):
        return AwsErrorKind.DENIED
    if code in EXPIRED_CODES:
        return AwsErrorKind.EXPIRED
    if code in INVALID_CREDENTIALS_CODES:
        return AwsErrorKind.INVALID
    if code in THROTTLED_CODES or status == 429:
        return AwsErrorKind.THROTTLED
    if code in REGION_DISABLED_CODES:
        return AwsErrorKind.CONFIGURATION
    if code in SERVER_CODES or (isinstance(status, int) and status >= 500):
        return AwsErrorKind.SERVER
    return AwsErrorKind.OTHER


_IAM_ACTION = re.compile(r"\b([a-z0-9][a-z0-9-]{1,40}:[A-Z][A-Za-z0-9]{2,80})\b")

SERVICE_METADATA_KEY = "ecotui-service"
"""The key under ResponseMetadata where the session leaves the service that was asked."""


def explain_aws_error(error: BaseException, action: str = "", *, profile: str = "", region: str = "") -> ExplainedError:
    """Any error of a call through `Aws` as plain words, a state and ways out.

    `action` is the IAM action that the call needs (`ec2:DescribeInstances`); AWS's own message names a better one.
    Unknown errors come back too, as `Kind.OTHER`: this never raises.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _explain_error_response(error, action, profile, region)
    return _explain_no_response(error, action, profile, region)


def unknown_aws_finding(id: str, step: str, title: str, error: ExplainedError) -> Finding:
    """The finding for a look that could not be made."""
    return Finding(
        id=id,
        step=step,
        state=error.state,
        title=title,
        summary=error.summary,
        fixes=error.fixes,
        raw=error.raw,
        denied=error.denied,
    )


def _explain_error_response(error: BaseException, action: str, profile: str, region: str) -> ExplainedError:
    """AWS answered with an error."""
    response: dict[str, dict[str, Any]] = getattr(error, "response", {}) or {}
    details, metadata = response.get("Error", {}) or {}, response.get("ResponseMetadata", {}) or {}
    code = aws_error_code(error)
    message = one_line(str(details.get("Message", "") or error), limit=600)
    asked = _requested_action(error, metadata, action)
    kind = _response_kind(error)
    denied: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    match kind:
        case AwsErrorKind.DENIED:
            denied, summary, fixes = _explain_denial(message, asked)
        case AwsErrorKind.EXPIRED:
            summary = f"The AWS credentials have expired ({code}); log in again or fetch new ones."
            fixes = new_credentials_fixes(profile)
        case AwsErrorKind.INVALID:
            summary = f"AWS does not accept the credentials ({code}): {message}"
            fixes = new_credentials_fixes(profile)
        case AwsErrorKind.THROTTLED:
            summary = f"AWS is throttling {asked} ({code}); it was tried several times. Look again in a minute."
        case AwsErrorKind.CONFIGURATION:
            summary = f"The region {region or 'in use'} is not enabled for this account ({code}): {message}"
        case AwsErrorKind.SERVER:
            status = metadata.get("HTTPStatusCode")
            summary = f"AWS failed to answer {asked} (HTTP {status}, {code}); look again in a minute."
        case _:
            summary = f"{asked} failed: {code}: {message}"
    raw = sanitize(str(error), limit=4000)
    return ExplainedError(kind=kind, summary=summary, denied=denied, raw=raw, fixes=fixes, code=code)


def _explain_denial(message: str, asked: str) -> tuple[tuple[str, ...], str, tuple[Fix, ...]]:
    """The missing action, the summary, and the fixes: none where a policy forbids the action."""
    named = _IAM_ACTION.search(message)
    missing = named.group(1) if named else asked
    if "explicit deny in a service control policy" in message:
        why = "a service control policy of the organisation forbids it; a permission does not help"
    elif "explicit deny" in message:
        why = "a policy forbids it explicitly"
    else:
        why = f"the identity lacks {missing}"
    fixes = () if "explicit deny" in message else (request_permission_fix(missing),)
    return (missing,), f"Not allowed to call {missing}: {why}.", fixes


def _requested_action(error: object, metadata: dict[str, Any], action: str) -> str:
    """The IAM action of the call that failed: from the call itself; S3's names are odd, there the caller knows best."""
    operation = str(getattr(error, "operation_name", "") or "")
    service = str(metadata.get(SERVICE_METADATA_KEY, ""))
    if not service or not operation or (service == "s3" and action):
        return action or operation or "the call"
    return iam_action(service, operation)


def _explain_no_response(error: BaseException, action: str, profile: str, region: str) -> ExplainedError:
    """There was no answer: credentials, configuration or network."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    raw = sanitize(f"{type(error).__name__}: {error}", limit=4000)
    text = one_line(str(error))
    named = f"profile {profile!r}" if profile else "the default profile"

    def trouble(kind: AwsErrorKind, summary: str, *fixes: Fix) -> ExplainedError:
        return ExplainedError(kind=kind, summary=summary, raw=raw, fixes=fixes)

    match error:
        case MfaRequired():
            return trouble(
                AwsErrorKind.MFA,
                f"{named.capitalize()} needs a code from an MFA device, and a look never asks for one; "
                "fetch temporary credentials with it first.",
                mfa_credentials_fix(),
            )
        case ResponseParserError():
            return trouble(
                AwsErrorKind.OTHER,
                "What answered does not speak as AWS does: a proxy or a sign-in page may stand in between"
                f"{f' ({action})' if action else ''}.",
            )
        case CredentialProcessTimeout():
            return trouble(
                AwsErrorKind.TIMEOUT, f"The credential_process of {named} did not end within {error.timeout:g} s."
            )
        case boto.UnauthorizedSSOTokenError() | boto.SSOTokenLoadError() | boto.TokenRetrievalError() | boto.SSOError():
            return trouble(
                AwsErrorKind.SSO, f"The SSO login of {named} has expired or was never made.", sso_login_fix(profile)
            )
        case boto.NoCredentialsError() | boto.NoAuthTokenError():
            return trouble(
                AwsErrorKind.NO_CREDENTIALS,
                f"No AWS credentials were found: none in the environment, none in {named}, no instance role.",
                *new_credentials_fixes(profile),
            )
        case RuntimeError() if "still expired" in text:
            # botocore's way to say that AWS_CREDENTIAL_EXPIRATION, or what a process returned, lies in the past.
            return trouble(
                AwsErrorKind.EXPIRED,
                "The AWS credentials have expired; log in again or fetch new ones.",
                *new_credentials_fixes(profile),
            )
        case boto.PartialCredentialsError():
            return trouble(AwsErrorKind.NO_CREDENTIALS, f"The AWS credentials are incomplete: {text}")
        case boto.ProfileNotFound():
            return trouble(
                AwsErrorKind.CONFIGURATION,
                f"The AWS profile {profile!r} does not exist." if profile else text,
                list_profiles_fix(),
            )
        case boto.ConfigParseError() | boto.ConfigNotFound() | boto.InvalidConfigError():
            return trouble(AwsErrorKind.CONFIGURATION, f"The AWS configuration cannot be used: {text}")
        case boto.NoRegionError():
            return trouble(AwsErrorKind.CONFIGURATION, "No AWS region is set; name one as aws.region in ecotui.yaml.")
        case boto.InvalidRegionError():
            return trouble(AwsErrorKind.CONFIGURATION, f"{region or text!r} is not a region name.")
        case boto.CredentialRetrievalError() | boto.MetadataRetrievalError() | boto.RefreshWithMFAUnsupportedError():
            return trouble(AwsErrorKind.NO_CREDENTIALS, f"The credentials of {named} could not be fetched: {text}")
        case boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            return trouble(
                AwsErrorKind.TIMEOUT, f"AWS did not answer {action or 'the call'} in time: {_endpoint_in_message(text)}"
            )
        case boto.SSLError():
            return trouble(
                AwsErrorKind.NETWORK,
                f"The TLS certificate of the AWS endpoint is not trusted: {_endpoint_in_message(text)}",
            )
        case boto.ProxyConnectionError():
            return trouble(AwsErrorKind.NETWORK, f"The proxy does not let us through to AWS: {text}")
        case boto.EndpointConnectionError() | boto.ConnectionClosedError() | boto.HTTPClientError():
            hint = ""
            if region and "amazonaws.com" in text and "Could not connect" in text:
                hint = f" Check the network, and that {region!r} is a region."
            return trouble(AwsErrorKind.NETWORK, f"AWS cannot be reached: {_endpoint_in_message(text)}.{hint}")
        case _:
            return trouble(AwsErrorKind.OTHER, f"{action or 'The AWS call'} failed: {type(error).__name__}: {text}")


def _endpoint_in_message(text: str) -> str:
    """The endpoint that an error of botocore names, or its whole text."""
    found = re.search(r'"(https?://[^"?]+)', text)
    return found.group(1).rstrip("/") if found else text


def replace_login_fixes(error: ExplainedError) -> ExplainedError:
    """The same where the keys stand in variables: no login changes those, and they go before what it stores."""
    kept = tuple(fix for fix in error.fixes if fix.id not in ("sso-login", "configure"))
    if kept == error.fixes:
        return error
    return msgspec.structs.replace(error, fixes=(renew_variables_fix(), *kept))

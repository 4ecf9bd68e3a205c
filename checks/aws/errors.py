"""What went wrong with an AWS call, in plain words, and what the operator can do about it.

Error codes differ by protocol (query, JSON, REST-XML); the lists hold every spelling that was met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    """The class of an AWS error, for code that reacts to it."""

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
    NOT_FOUND = "not-found"
    IN_USE = "in-use"
    """Refused because of something else that uses it, or of a change before that has not settled."""
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
        return self.kind in _TRANSIENT_KINDS


_Problem = tuple[AwsErrorKind, str, tuple[Fix, ...]]
"""Kind, summary and fixes of an error without an answer."""


class MfaRequired(Exception):
    """The profile wants a code from an MFA device; a check never asks for one."""


class CredentialProcessTimeout(Exception):
    """The profile's `credential_process` did not end in time and was killed."""

    def __init__(self, command: str, timeout: float) -> None:
        super().__init__(f"credential_process did not end within {timeout:g} s: {command}")
        self.command = command
        self.timeout = timeout


def aws_error_types() -> tuple[type[Exception], ...]:
    """Every error that a call through `AwsSession` raises for causes outside of this program."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError  # of neither family

    return (BotoCoreError, ClientError, ResponseParserError, MfaRequired, CredentialProcessTimeout)


def call_or_error(call: Callable[[], CallResult]) -> CallResult | Exception:
    """The answer, or the error instead of it: for threads whose answers are judged together."""
    try:
        return call()
    except aws_error_types() as error:
        return error


CODES_BY_KIND = {
    AwsErrorKind.DENIED: (
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "UnauthorizedAccess",
        "AuthorizationErrorException", "NotAuthorized", "Forbidden", "403",
    ),
    AwsErrorKind.EXPIRED: ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
    AwsErrorKind.INVALID: (
        "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "InvalidAccessKeyId",
        "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "InvalidToken",
        "InvalidUserID.NotFound",
    ),
    AwsErrorKind.THROTTLED: (
        "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
        "RequestThrottledException", "TooManyRequestsException", "TooManyRequests", "SlowDown",
        "BandwidthLimitExceeded", "ProvisionedThroughputExceededException", "PriorRequestNotComplete",
        "LimitExceededException.Throttle",
    ),
    AwsErrorKind.CONFIGURATION: ("OptInRequired", "IllegalLocationConstraintException", "UnsupportedRegion"),
    AwsErrorKind.NOT_FOUND: (
        "404", "NotFound", "NoSuchEntity", "NoSuchResource", "ResourceNotFoundException", "ParameterNotFound",
        "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchHostedZone", "NoSuchDistribution", "NoSuchFunctionExists",
        "NoSuchCloudFrontOriginAccessIdentity", "NoSuchOriginAccessControl", "NatGatewayNotFound",
        "InvalidPlacementGroup.Unknown", "Gateway.NotAttached", "LoadBalancerNotFound",
        "LoadBalancerNotFoundException", "AccessPointNotFound", "TargetGroupNotFound", "TargetGroupNotFoundException",
        "FileSystemNotFound", "RepositoryNotFoundException", "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist", "DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault",
        "DBSubnetGroupNotFound", "DBSubnetGroupNotFoundFault", "DBParameterGroupNotFound",
        "DBParameterGroupNotFoundFault", "OptionGroupNotFound", "OptionGroupNotFoundFault", "CacheClusterNotFound",
        "CacheClusterNotFoundFault", "ReplicationGroupNotFound", "ReplicationGroupNotFoundFault",
        "CacheSubnetGroupNotFound", "CacheSubnetGroupNotFoundFault", "CacheParameterGroupNotFound",
        "CacheParameterGroupNotFoundFault",
    ),
    AwsErrorKind.IN_USE: (
        "DeleteConflict", "DependencyViolation", "BucketNotEmpty", "ResourceInUse", "ResourceInUseException",
        "CloudFrontOriginAccessIdentityInUse", "OriginAccessControlInUse", "DistributionNotDisabled",
        "PreconditionFailed", "InvalidIfMatchVersion", "ConcurrentModification", "ConcurrentModificationException",
        "OperationAborted", "ConditionalRequestConflict", "HostedZoneNotEmpty", "IncorrectInstanceState",
        "InvalidGroup.InUse", "InvalidNetworkInterface.InUse", "InvalidPlacementGroup.InUse",
        "InvalidIPAddress.InUse", "VolumeInUse",
    ),
    AwsErrorKind.SERVER: ("ServiceUnavailable", "InternalError", "InternalFailure"),
}  # fmt: skip
_KIND_BY_CODE = {code: kind for kind, codes in CODES_BY_KIND.items() for code in codes}
_TRANSIENT_KINDS = (AwsErrorKind.THROTTLED, AwsErrorKind.NETWORK, AwsErrorKind.TIMEOUT, AwsErrorKind.SERVER)


def aws_error_code(error: BaseException) -> str:
    """AWS's own error code (`NoSuchResourceException`); empty when AWS did not answer."""
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return one_line(str((details or {}).get("Code", "")), limit=80)


def aws_error_kind(error: BaseException) -> AwsErrorKind:
    """The class of any error of an AWS call; every step reacts to this, so that one refusal means one thing."""
    if not isinstance(getattr(error, "response", None), dict):
        return _explain_no_response(error, "", "", "").kind
    return response_kind(error.response)  # type: ignore[attr-defined]


def response_kind(response: Mapping[str, Any]) -> AwsErrorKind:
    """The class of a response that carries an error, as botocore parsed it."""
    details = response.get("Error") or {}
    code = str(details.get("Code", ""))
    if kind := _KIND_BY_CODE.get(code):
        return kind
    if "not authorized to perform" in str(details.get("Message", "")):
        return AwsErrorKind.DENIED
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    if status == 429:
        return AwsErrorKind.THROTTLED
    if code.endswith((".NotFound", ".NotFoundException")):
        return AwsErrorKind.NOT_FOUND
    return AwsErrorKind.SERVER if isinstance(status, int) and status >= 500 else AwsErrorKind.OTHER


def is_denied(error: BaseException) -> bool:
    """True when AWS refuses for want of a permission."""
    return aws_error_kind(error) is AwsErrorKind.DENIED


def is_not_found(error: BaseException) -> bool:
    """True when AWS says that the resource is not there (any more)."""
    return aws_error_kind(error) is AwsErrorKind.NOT_FOUND


def is_in_use(error: BaseException) -> bool:
    """True when something else uses the resource, or an earlier change has not settled yet."""
    return aws_error_kind(error) is AwsErrorKind.IN_USE


def is_transient(error: BaseException) -> bool:
    """True when the same request may succeed later: a conflict, throttling, a server error, or no answer at all."""
    kind = aws_error_kind(error)
    return kind is AwsErrorKind.IN_USE or kind in _TRANSIENT_KINDS


_IAM_ACTION = re.compile(r"\b([a-z0-9][a-z0-9-]{1,40}:[A-Z][A-Za-z0-9]{2,80})\b")

SERVICE_METADATA_KEY = "ecotui-service"
"""The key under ResponseMetadata where the session leaves the service that was asked."""


def explain_aws_error(error: BaseException, action: str = "", *, profile: str = "", region: str = "") -> ExplainedError:
    """Any error of a call through `AwsSession`, in plain words, with a state and fixes.

    `action` is the IAM action that the call needs (`ec2:DescribeInstances`); AWS's own message names a better one.
    Unknown errors come back too, as `AwsErrorKind.OTHER`: this never raises.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _explain_error_response(error, action, profile, region)
    return _explain_no_response(error, action, profile, region)


def unknown_aws_finding(id: str, step: str, title: str, error: ExplainedError) -> Finding:
    """The finding for a check that failed."""
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
    """AWS answered, and said no."""
    response: Mapping[str, Any] = error.response  # type: ignore[attr-defined]
    kind, code = response_kind(response), aws_error_code(error)
    metadata = response.get("ResponseMetadata") or {}
    message = one_line(str((response.get("Error") or {}).get("Message", "") or error), limit=600)
    asked = _requested_action(error, metadata, action)
    denied: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    match kind:
        case AwsErrorKind.DENIED:
            named = _IAM_ACTION.search(message)
            denied = (named.group(1) if named else asked,)
            if "explicit deny in a service control policy" in message:
                reason = "a service control policy of the organisation forbids it; a permission does not help"
            elif "explicit deny" in message:
                reason = "a policy forbids it explicitly"
            else:
                reason = f"the identity lacks {denied[0]}"
                fixes = (request_permission_fix(denied[0]),)
            summary = f"Not allowed to call {denied[0]}: {reason}."
        case AwsErrorKind.EXPIRED:
            summary = f"The AWS credentials have expired ({code}); log in again or fetch new ones."
            fixes = new_credentials_fixes(profile)
        case AwsErrorKind.INVALID:
            summary = f"AWS does not accept the credentials ({code}): {message}"
            fixes = new_credentials_fixes(profile)
        case AwsErrorKind.THROTTLED:
            summary = f"AWS is throttling {asked} ({code}), after several tries. Check again in a minute."
        case AwsErrorKind.CONFIGURATION:
            summary = f"The region {region or 'in use'} is not enabled for this account ({code}): {message}"
        case AwsErrorKind.SERVER:
            status = f"HTTP {metadata.get('HTTPStatusCode')}, {code}"
            summary = f"AWS failed to answer {asked} ({status}). Check again in a minute."
        case _:
            summary = f"{asked} failed: {code}: {message}"
    raw = sanitize(str(error), limit=4000)
    return ExplainedError(kind=kind, summary=summary, denied=denied, raw=raw, fixes=fixes, code=code)


def _requested_action(error: object, metadata: dict[str, Any], action: str) -> str:
    """The IAM action of the call that failed: from the call itself; S3's names are odd, there the caller knows best."""
    operation = str(getattr(error, "operation_name", "") or "")
    service = str(metadata.get(SERVICE_METADATA_KEY, ""))
    if not service or not operation or (service == "s3" and action):
        return action or operation or "the call"
    return iam_action(service, operation)


def _explain_no_response(error: BaseException, action: str, profile: str, region: str) -> ExplainedError:
    """There was no answer: credentials, configuration or network."""
    from botocore.parsers import ResponseParserError

    named = f"profile {profile!r}" if profile else "the default profile"
    details = _credential_problem(error, profile, named) or _network_problem(error, action, region)
    if isinstance(error, ResponseParserError):
        asked = f" ({action})" if action else ""
        summary = f"The answer is not one of AWS: a proxy or a sign-in page may stand in between{asked}."
        details = (AwsErrorKind.OTHER, summary, ())
    if details is None:
        text = one_line(str(error))
        details = (AwsErrorKind.OTHER, f"{action or 'The AWS call'} failed: {type(error).__name__}: {text}", ())
    kind, summary, fixes = details
    raw = sanitize(f"{type(error).__name__}: {error}", limit=4000)
    return ExplainedError(kind=kind, summary=summary, raw=raw, fixes=fixes)


def _credential_problem(error: BaseException, profile: str, named: str) -> _Problem | None:
    """Credentials or configuration that cannot be used; None for any other error. `named` is the profile in words."""
    from botocore import exceptions as boto

    text = one_line(str(error))
    match error:
        case MfaRequired():
            summary = (
                f"{named.capitalize()} needs a code from an MFA device, and a check never asks for one; "
                "fetch temporary credentials with it first."
            )
            return AwsErrorKind.MFA, summary, (mfa_credentials_fix(),)
        case CredentialProcessTimeout():
            summary = f"The credential_process of {named} did not end within {error.timeout:g} s."
            return AwsErrorKind.TIMEOUT, summary, ()
        case boto.UnauthorizedSSOTokenError() | boto.SSOTokenLoadError() | boto.TokenRetrievalError() | boto.SSOError():
            summary = f"The SSO login of {named} has expired or was never made."
            return AwsErrorKind.SSO, summary, (sso_login_fix(profile),)
        case boto.NoCredentialsError() | boto.NoAuthTokenError():
            summary = f"No AWS credentials were found: none in the environment, none in {named}, no instance role."
            return AwsErrorKind.NO_CREDENTIALS, summary, new_credentials_fixes(profile)
        case RuntimeError() if "still expired" in text:
            # botocore's way to say that AWS_CREDENTIAL_EXPIRATION, or what a process returned, lies in the past.
            summary = "The AWS credentials have expired; log in again or fetch new ones."
            return AwsErrorKind.EXPIRED, summary, new_credentials_fixes(profile)
        case boto.PartialCredentialsError():
            return AwsErrorKind.NO_CREDENTIALS, f"The AWS credentials are incomplete: {text}", ()
        case boto.CredentialRetrievalError() | boto.MetadataRetrievalError() | boto.RefreshWithMFAUnsupportedError():
            return AwsErrorKind.NO_CREDENTIALS, f"The credentials of {named} could not be fetched: {text}", ()
        case boto.ProfileNotFound():
            summary = f"The AWS profile {profile!r} does not exist." if profile else text
            return AwsErrorKind.CONFIGURATION, summary, (list_profiles_fix(),)
        case boto.ConfigParseError() | boto.ConfigNotFound() | boto.InvalidConfigError():
            return AwsErrorKind.CONFIGURATION, f"The AWS configuration cannot be used: {text}", ()
        case boto.NoRegionError():
            return AwsErrorKind.CONFIGURATION, "No AWS region is set; name one as aws.region in ecotui.yaml.", ()
    return None


def _network_problem(error: BaseException, action: str, region: str) -> _Problem | None:
    """An endpoint that cannot be reached; None for any other error."""
    from botocore import exceptions as boto

    text = one_line(str(error))
    match error:
        case boto.InvalidRegionError():
            return AwsErrorKind.CONFIGURATION, f"{region or text!r} is not a region name.", ()
        case boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            summary = f"AWS did not answer {action or 'the call'} in time: {_endpoint_in_message(text)}"
            return AwsErrorKind.TIMEOUT, summary, ()
        case boto.SSLError():
            summary = f"The TLS certificate of the AWS endpoint is not trusted: {_endpoint_in_message(text)}"
            return AwsErrorKind.NETWORK, summary, ()
        case boto.ProxyConnectionError():
            return AwsErrorKind.NETWORK, f"The proxy does not let us through to AWS: {text}", ()
        case boto.ConnectionError() | boto.HTTPClientError():
            hint = ""
            if region and "amazonaws.com" in text and "Could not connect" in text:
                hint = f" Check the network, and that {region!r} is a region."
            return AwsErrorKind.NETWORK, f"AWS cannot be reached: {_endpoint_in_message(text)}.{hint}", ()
    return None


def _endpoint_in_message(text: str) -> str:
    """The endpoint that an error of botocore names, or its whole text."""
    found = re.search(r'"(https?://[^"?]+)', text)
    return found.group(1).rstrip("/") if found else text


def replace_login_fixes(error: ExplainedError) -> ExplainedError:
    """The error without login fixes, for keys in variables: these take precedence over what a login stores."""
    kept = tuple(fix for fix in error.fixes if fix.id not in ("sso-login", "configure"))
    if kept == error.fixes:
        return error
    return msgspec.structs.replace(error, fixes=(renew_variables_fix(), *kept))

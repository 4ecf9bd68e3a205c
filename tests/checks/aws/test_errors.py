"""AWS's errors in plain words."""

from __future__ import annotations

import ast
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from checks.aws.errors import (
    CODES_BY_KIND,
    AwsErrorKind,
    aws_error_kind,
    explain_aws_error,
    is_denied,
    is_not_found,
    is_transient,
    unknown_aws_finding,
)
from checks.aws.iam import iam_action
from checks.finding import CheckState

REGION = "ap-northeast-2"
ROOT = Path(__file__).parents[3]


def refusal(code: str, message: str = "", operation: str = "DescribeInstances", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )


@pytest.mark.parametrize(
    ("code", "message", "missing"),
    [
        (
            "AccessDenied",
            "User: arn:aws:iam::1:user/me is not authorized to perform: iam:ListPolicies on resource: policy path /",
            "iam:ListPolicies",
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: servicequotas:GetServiceQuota "
            "because no identity-based policy allows the servicequotas:GetServiceQuota action",
            "servicequotas:GetServiceQuota",
        ),
        (
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
            "ec2:DescribeInstances",
        ),
        ("AccessDenied", "Access Denied", "ec2:DescribeInstances"),
        ("403", "Forbidden", "ec2:DescribeInstances"),
    ],
)
def test_a_denial_names_the_missing_action(code, message, missing):
    trouble = explain_aws_error(refusal(code, message), "ec2:DescribeInstances")
    assert trouble.kind is AwsErrorKind.DENIED
    assert trouble.denied == (missing,)
    assert missing in trouble.summary
    assert missing in trouble.fixes[0].command


def test_a_denial_by_the_organisation_is_not_said_to_be_a_missing_permission():
    message = "not authorized to perform: ec2:RunInstances with an explicit deny in a service control policy"
    trouble = explain_aws_error(refusal("AccessDeniedException", message))
    assert "service control policy" in trouble.summary
    assert trouble.denied == ("ec2:RunInstances",)
    assert trouble.fixes == ()


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_expired_credentials_are_said_in_every_protocol(code):
    trouble = explain_aws_error(refusal(code, "The security token included in the request is expired"), profile="work")
    assert trouble.kind is AwsErrorKind.EXPIRED
    assert trouble.fixes[0].command == "aws sso login --profile work"


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "Throttling", "TooManyRequestsException", "SlowDown"])
def test_throttling_is_known_in_every_protocol_and_passes(code):
    trouble = explain_aws_error(refusal(code, "Rate exceeded"))
    assert trouble.kind is AwsErrorKind.THROTTLED and trouble.is_transient


def test_a_server_error_passes():
    assert explain_aws_error(refusal("InternalError", "oops", status=503)).is_transient


def test_wrong_keys_are_said():
    assert (
        explain_aws_error(refusal("InvalidClientTokenId", "The security token is invalid.")).kind
        is AwsErrorKind.INVALID
    )


def test_any_other_error_keeps_its_words():
    trouble = explain_aws_error(refusal("InvalidParameterValue", "bad \x1b[31mvalue"))
    assert trouble.kind is AwsErrorKind.OTHER
    assert "InvalidParameterValue" in trouble.summary and "\x1b" not in trouble.summary + trouble.raw


def test_an_error_of_another_kind_is_explained_too():
    assert explain_aws_error(RuntimeError("x"), "ec2:Any").kind is AwsErrorKind.OTHER


def test_a_look_that_was_not_allowed_is_unknown():
    finding = unknown_aws_finding(
        "quota.vcpu", "quota", "vCPUs", explain_aws_error(refusal("AccessDenied"), "ec2:DescribeVpcs")
    )
    assert finding.state is CheckState.UNKNOWN
    assert finding.denied == ("ec2:DescribeVpcs",)
    assert "AccessDenied" in finding.raw


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("ec2", "DescribeVpcs", "ec2:DescribeVpcs"),
        ("service-quotas", "get_service_quota", "servicequotas:GetServiceQuota"),
        ("elbv2", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "list_object_versions", "s3:ListBucketVersions"),
        ("resourcegroupstaggingapi", "GetResources", "tag:GetResources"),
    ],
)
def test_the_action_of_a_call_is_derived(service, operation, action):
    assert iam_action(service, operation) == action


def test_without_a_word_from_the_caller_the_action_is_that_of_the_call_that_failed(aws_env, scripted):
    from checks.aws.session import AwsSession, aws_error_types
    from config import model

    scripted.refuse("ListServices", "AccessDeniedException", "no")
    session = AwsSession(
        model.AwsSettings(region="eu-west-1"), {**aws_env, "AWS_ENDPOINT_URL_SERVICE_QUOTAS": scripted.endpoint}
    )
    with pytest.raises(aws_error_types()) as raised:
        session.client("service-quotas").list_services()
    assert session.explain(raised.value).denied == ("servicequotas:ListServices",)
    assert session.explain(raised.value, "ec2:Wrong").denied == ("servicequotas:ListServices",)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AuthorizationError", AwsErrorKind.DENIED),
        ("NotAuthorized", AwsErrorKind.DENIED),
        ("403", AwsErrorKind.DENIED),
        ("TooManyRequests", AwsErrorKind.THROTTLED),
        ("RequestThrottled", AwsErrorKind.THROTTLED),
        ("TokenRefreshRequired", AwsErrorKind.EXPIRED),
        ("ServiceUnavailable", AwsErrorKind.SERVER),
        ("DependencyViolation", AwsErrorKind.IN_USE),
        ("DBInstanceNotFound", AwsErrorKind.NOT_FOUND),
        ("InvalidVpcID.NotFound", AwsErrorKind.NOT_FOUND),
        ("InvalidUserID.NotFound", AwsErrorKind.INVALID),
        ("InvalidParameterValue", AwsErrorKind.OTHER),
    ],
)
def test_the_same_refusal_has_the_same_class_in_every_step(code, kind):
    """Explained in the environment and the quotas; retried, skipped or failed in the cleanup; a name taken in the forecast."""
    from concurrent.futures import ThreadPoolExecutor

    from checks.apply.forecast.collisions.kind import describe_by_name
    from checks.cleanup.aws_query import AwsQuery

    error = refusal(code)

    def refuse(**_: object) -> None:
        raise error

    assert explain_aws_error(error).kind is aws_error_kind(error) is kind

    passes = kind in (AwsErrorKind.THROTTLED, AwsErrorKind.SERVER, AwsErrorKind.IN_USE)
    with ThreadPoolExecutor(1) as pool:
        deletion = AwsQuery(None, REGION, pool, raise_transient=True)
        scan = AwsQuery(None, REGION, pool)
        with pytest.raises(ClientError) if passes else nullcontext():
            assert deletion.call_or_default("x:Read", refuse, "default") == "default"
        assert scan.call_or_default("x:Read", refuse, "default") == "default"
    assert [failed.error for failed in scan.failed_queries] == ([] if kind is AwsErrorKind.NOT_FOUND else [error])

    find_existing = describe_by_name("describe", "Name", "Items.Arn")
    with nullcontext() if kind is AwsErrorKind.NOT_FOUND else pytest.raises(ClientError):
        assert find_existing(SimpleNamespace(client=SimpleNamespace(describe=refuse), name="n")) is None


def test_no_other_module_has_a_list_of_refusals_of_its_own():
    """The codes of a missing permission, of expired credentials and of throttling are in checks/aws/errors.py only."""
    shared = {
        code
        for kind in (AwsErrorKind.DENIED, AwsErrorKind.EXPIRED, AwsErrorKind.INVALID, AwsErrorKind.THROTTLED)
        for code in CODES_BY_KIND[kind]
    }
    modules = [path for path in (ROOT / "checks").rglob("*.py") if path != ROOT / "checks/aws/errors.py"]
    assert len(modules) > 50
    for path in modules:
        words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert len(words & shared) < 2, path


def test_an_unknown_code_is_classified_by_the_http_status_and_the_message() -> None:
    assert is_transient(refusal("Unheard", status=503))
    assert is_transient(refusal("Unheard", status=429))
    assert not is_transient(refusal("Unheard"))
    assert is_denied(refusal("Unheard", "x is not authorized to perform: a:B"))
    assert is_not_found(refusal("InvalidVolume.NotFound"))


def test_no_code_has_two_classes() -> None:
    codes = [code for codes in CODES_BY_KIND.values() for code in codes]
    assert len(codes) == len(set(codes))

"""What blocks the destruction of a resource, so that AWS refuses it. One `BlockerCheck` is one terraform type.

To add one: write a function that names the blockers in words, and add a row to `BLOCKER_CHECKS` and a test. The function may
raise botocore's errors: the forecast reports them as not checked. What the plan destroys as well blocks nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.apply.forecast.collisions.route53 import normalize_record_name
from checks.apply.forecast.destroy import network_blockers
from checks.apply.forecast.destroy.destroy_set import DestroySet
from checks.apply.plan.model import PlannedChange

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

MAX_BLOCKERS = 100
"""Blockers after which a check may stop."""


@dataclass(frozen=True)
class BlockerCheck:
    """How one terraform type is checked."""

    find_blockers: Callable[[AwsSession, PlannedChange, DestroySet], Iterable[str]]
    action: str
    """The IAM action that it needs."""
    service: str
    """The client that it uses."""
    refusal: str
    """AWS's refusal, and what helps."""
    unless_attribute: str = ""
    """The attribute that lets the provider clear it first."""
    guide: tuple[str, ...] = ()


def _policy_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    arn = change.before_text("arn")
    for kind, key, name in (
        ("role", "PolicyRoles", "RoleName"),
        ("user", "PolicyUsers", "UserName"),
        ("group", "PolicyGroups", "GroupName"),
    ):
        gone = destroy_set.attribute_values(f"aws_iam_{kind}_policy_attachment", kind, policy_arn=arn)
        gone |= destroy_set.attribute_values("aws_iam_policy_attachment", f"{kind}s", policy_arn=arn)
        asked = aws.paginate("iam", "list_entities_for_policy", key, PolicyArn=arn, EntityFilter=kind.capitalize())
        for each in itertools.islice(asked, MAX_BLOCKERS):
            if each[name] not in gone:
                yield f"attached to the {kind} {each[name]}"


def _user_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    name = change.before_text("name")
    keys = destroy_set.attribute_values("aws_iam_access_key", "id", user=name)
    for each in aws.paginate("iam", "list_access_keys", "AccessKeyMetadata", UserName=name):
        if each["AccessKeyId"] not in keys:
            yield "an access key"
    detached = destroy_set.attribute_values("aws_iam_user_policy_attachment", "policy_arn", user=name)
    for each in aws.paginate("iam", "list_attached_user_policies", "AttachedPolicies", UserName=name):
        if each["PolicyArn"] not in detached:
            yield f"the policy {each['PolicyName']}"


def _bucket_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    name = change.before_text("bucket")
    gone = destroy_set.attribute_values("aws_s3_object", "key", bucket=name)
    page = aws.client("s3", change.region or None).list_object_versions(Bucket=name, MaxKeys=len(gone) + MAX_BLOCKERS)
    left = [
        each["Key"] for key in ("Versions", "DeleteMarkers") for each in page.get(key, ()) if each["Key"] not in gone
    ]
    if left:
        yield f"{len(left)}{' or more' if page.get('IsTruncated') else ''} objects or versions"


def _repository_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    page = aws.client("ecr", change.region or None).list_images(
        repositoryName=change.before_text("name"), maxResults=MAX_BLOCKERS
    )
    count = len(page.get("imageIds", ()))
    if count:
        yield f"{count}{' or more' if page.get('nextToken') else ''} images"


def _zone_blockers(aws: AwsSession, change: PlannedChange, destroy_set: DestroySet) -> Iterable[str]:
    zone, apex = change.before_text("zone_id"), change.before_text("name").rstrip(".").lower()
    records = aws.paginate("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    gone = destroy_set.attribute_values("aws_route53_record", "fqdn", zone_id=zone)
    gone = {normalize_record_name(name) for name in gone}
    for each in itertools.islice(records, MAX_BLOCKERS):
        name = normalize_record_name(each["Name"])
        if name not in gone and not (name == apex and each["Type"] in ("NS", "SOA")):
            yield f"the {each['Type']} record {name}"


BLOCKER_CHECKS = {
    "aws_iam_policy": BlockerCheck(
        _policy_blockers,
        "iam:ListEntitiesForPolicy",
        "iam",
        "IAM deletes no policy that is attached (DeleteConflict): detach it first",
        guide=("2.1",),
    ),
    "aws_iam_user": BlockerCheck(
        _user_blockers,
        "iam:ListAccessKeys",
        "iam",
        "IAM deletes no user that has any (DeleteConflict): force_destroy = true takes them along",
        unless_attribute="force_destroy",
        guide=("2.1",),
    ),
    "aws_s3_bucket": BlockerCheck(
        _bucket_blockers,
        "s3:ListBucketVersions",
        "s3",
        "S3 deletes no bucket that is not empty (BucketNotEmpty): empty it, or apply force_destroy = true first",
        unless_attribute="force_destroy",
        guide=("4.2",),
    ),
    "aws_ecr_repository": BlockerCheck(
        _repository_blockers,
        "ecr:ListImages",
        "ecr",
        "ECR deletes no repository with images (RepositoryNotEmptyException): apply force_delete = true first",
        unless_attribute="force_delete",
    ),
    "aws_route53_zone": BlockerCheck(
        _zone_blockers,
        "route53:ListResourceRecordSets",
        "route53",
        "Route53 deletes no zone with records (HostedZoneNotEmpty): apply force_destroy = true first",
        unless_attribute="force_destroy",
        guide=("6.2",),
    ),
    "aws_security_group": BlockerCheck(
        network_blockers.security_group_blockers,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "AWS deletes no group that is used or named by a rule (DependencyViolation, after 15 minutes of tries): take it off"
        " first; one that is replaced needs create_before_destroy",
    ),
    "aws_subnet": BlockerCheck(
        network_blockers.subnet_blockers,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "AWS deletes no subnet that is in use (DependencyViolation, after 20 minutes of tries): delete them first",
    ),
    "aws_internet_gateway": BlockerCheck(
        network_blockers.internet_gateway_blockers,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "no gateway leaves a VPC where public addresses are in use (DependencyViolation, after 20 minutes of tries): delete"
        " or release them first",
    ),
    "aws_vpc": BlockerCheck(
        network_blockers.vpc_blockers,
        "ec2:DescribeInstances",
        "ec2",
        "no VPC goes while they are in it (DependencyViolation, after minutes of tries): delete them first",
    ),
}
"""By terraform type. Roles and groups of instances are missing: the provider detaches, or ends, what they have."""

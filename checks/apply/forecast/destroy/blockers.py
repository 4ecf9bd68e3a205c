"""What holds a thing that is to be destroyed, so that AWS refuses: each look names it in words.

To add a type: write a look, and put it into `LOOKS`. It may raise botocore's errors: the forecast turns them into something
unknown that names the action. What the plan itself destroys as well holds nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.apply.forecast.destroy import holders_network
from checks.apply.forecast.destroy.destroyed import Going
from checks.apply.plan.model import Planned

if TYPE_CHECKING:
    from checks.aws.session import Aws

ENOUGH = 100
"""Holders after which a look may stop."""


@dataclass(frozen=True)
class Look:
    holders: Callable[[Aws, Planned, Going], Iterable[str]]
    action: str
    service: str
    why: str
    """AWS's refusal, and what helps."""
    unless: str = ""
    """The attribute that lets the provider clear it first."""
    guide: tuple[str, ...] = ()


def _text(one: Planned, attribute: str) -> str:
    return str(one.before.get(attribute) or "")


def _policy(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    arn = _text(one, "arn")
    for kind, key, name in (
        ("role", "PolicyRoles", "RoleName"),
        ("user", "PolicyUsers", "UserName"),
        ("group", "PolicyGroups", "GroupName"),
    ):
        gone = going.values(f"aws_iam_{kind}_policy_attachment", kind, policy_arn=arn)
        gone |= going.values("aws_iam_policy_attachment", f"{kind}s", policy_arn=arn)
        asked = aws.paginate(
            "iam", "list_entities_for_policy", key, PolicyArn=arn, EntityFilter=kind.capitalize()
        )
        for each in itertools.islice(asked, ENOUGH):
            if each[name] not in gone:
                yield f"attached to the {kind} {each[name]}"


def _user(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    name = _text(one, "name")
    keys = going.values("aws_iam_access_key", "id", user=name)
    for each in aws.paginate("iam", "list_access_keys", "AccessKeyMetadata", UserName=name):
        if each["AccessKeyId"] not in keys:
            yield "an access key"
    detached = going.values("aws_iam_user_policy_attachment", "policy_arn", user=name)
    for each in aws.paginate("iam", "list_attached_user_policies", "AttachedPolicies", UserName=name):
        if each["PolicyArn"] not in detached:
            yield f"the policy {each['PolicyName']}"


def _bucket(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    name = _text(one, "bucket")
    gone = going.values("aws_s3_object", "key", bucket=name)
    page = aws.client("s3", one.region or None).list_object_versions(Bucket=name, MaxKeys=len(gone) + ENOUGH)
    left = [
        each["Key"]
        for key in ("Versions", "DeleteMarkers")
        for each in page.get(key, ())
        if each["Key"] not in gone
    ]
    if left:
        yield f"{len(left)}{' or more' if page.get('IsTruncated') else ''} objects or versions"


def _repository(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    page = aws.client("ecr", one.region or None).list_images(
        repositoryName=_text(one, "name"), maxResults=ENOUGH
    )
    count = len(page.get("imageIds", ()))
    if count:
        yield f"{count}{' or more' if page.get('nextToken') else ''} images"


def _zone(aws: Aws, one: Planned, going: Going) -> Iterable[str]:
    zone, apex = _text(one, "zone_id"), _text(one, "name").rstrip(".").lower()
    records = aws.paginate("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    gone = going.values("aws_route53_record", "fqdn", zone_id=zone)
    gone = {name.replace("\\052", "*").rstrip(".").lower() for name in gone}
    for each in itertools.islice(records, ENOUGH):
        name = each["Name"].replace("\\052", "*").rstrip(".").lower()
        if name not in gone and not (name == apex and each["Type"] in ("NS", "SOA")):
            yield f"the {each['Type']} record {name}"


LOOKS = {
    "aws_iam_policy": Look(
        _policy,
        "iam:ListEntitiesForPolicy",
        "iam",
        "IAM deletes no policy that is attached (DeleteConflict): detach it first",
        guide=("2.1",),
    ),
    "aws_iam_user": Look(
        _user,
        "iam:ListAccessKeys",
        "iam",
        "IAM deletes no user that has any (DeleteConflict): force_destroy = true takes them along",
        unless="force_destroy",
        guide=("2.1",),
    ),
    "aws_s3_bucket": Look(
        _bucket,
        "s3:ListBucketVersions",
        "s3",
        "S3 deletes no bucket that is not empty (BucketNotEmpty): empty it, or apply force_destroy = true first",
        unless="force_destroy",
        guide=("4.2",),
    ),
    "aws_ecr_repository": Look(
        _repository,
        "ecr:ListImages",
        "ecr",
        "ECR deletes no repository with images (RepositoryNotEmptyException): apply force_delete = true first",
        unless="force_delete",
    ),
    "aws_route53_zone": Look(
        _zone,
        "route53:ListResourceRecordSets",
        "route53",
        "Route53 deletes no zone with records (HostedZoneNotEmpty): apply force_destroy = true first",
        unless="force_destroy",
        guide=("6.2",),
    ),
    "aws_security_group": Look(
        holders_network.group,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "AWS deletes no group that is used or named by a rule (DependencyViolation, after 15 minutes of tries): take it off"
        " first; one that is replaced needs create_before_destroy",
    ),
    "aws_subnet": Look(
        holders_network.subnet,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "AWS deletes no subnet that is in use (DependencyViolation, after 20 minutes of tries): delete them first",
    ),
    "aws_internet_gateway": Look(
        holders_network.gateway,
        "ec2:DescribeNetworkInterfaces",
        "ec2",
        "no gateway leaves a VPC where public addresses are in use (DependencyViolation, after 20 minutes of tries): delete"
        " or release them first",
    ),
    "aws_vpc": Look(
        holders_network.network,
        "ec2:DescribeInstances",
        "ec2",
        "no VPC goes while they are in it (DependencyViolation, after minutes of tries): delete them first",
    ),
}
"""By terraform's type. Roles and groups of instances are not here: the provider detaches, or ends, what they have."""

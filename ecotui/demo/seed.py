"""The broken beginning: an account in which an earlier deployment was taken down by half.

Made through boto3, as any operator would have made it. What belongs to the project collides with its plan; what does not
(`FOREIGN`) must still be there when the rebuild is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT_ALIAS = "eco2-demo"
"""The account's alias: typed to consent to deletions."""
REGION = "ap-northeast-2"
DOMAIN = "growbin.example"
OPERATOR_USER = "operator"
ROLE_NAME = "prod-k8s-node-role"
INSTANCE_PROFILE_NAME = "prod-k8s-node-profile"
POLICY_NAMES = ("prod-alb-controller-policy", "prod-s3-presigned-url-policy")
KEY_PAIR_NAME = "k8s-cluster-key"
BUCKET_NAME = "prod-sesacthon-images"
ADDRESS_NAME, VOLUME_NAME = "prod-nat", "prod-pvc-postgres"
"""What goes on costing money: an Elastic IP and a volume, by their Name tags."""

FOREIGN_RESOURCES = {
    "iam_policy": "billing-readonly",
    "bucket": "eco2-billing-reports",
    "tagged_bucket": "analytics-raw-events",
    "key_pair": "bastion-key",
    "similar_key_pair": "k8s-cluster-key-staging",
    "group": "platform",
    "user": "ci-deployer",
}
"""Kind to name of what is somebody else's, untagged or tagged for another project."""

_PROJECT_TAGS = {"Project": "SeSACTHON", "ManagedBy": "Terraform", "Environment": "prod", "Team": "Backend"}
_FOREIGN_TAGS = {"Project": "Analytics", "ManagedBy": "Terraform"}

BotoClient = Callable[..., Any]


def seed_account(endpoint: str, public_key: Path) -> tuple[str, str]:
    """Fill the account; returns the operator's access key id and secret. Raises botocore's errors."""
    import boto3

    session = boto3.Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint)

    iam = client("iam")
    iam.create_account_alias(AccountAlias=ACCOUNT_ALIAS)
    iam.create_user(UserName=OPERATOR_USER)
    key = iam.create_access_key(UserName=OPERATOR_USER)["AccessKey"]
    _create_zone(client("route53"))
    _create_policies(iam)
    _create_instance_profile(iam)
    ec2 = client("ec2")
    _import_key_pairs(ec2, public_key.read_bytes())
    _create_billed_resources(ec2)
    _create_buckets(client("s3"))
    _create_distribution(client("cloudfront"))
    return str(key["AccessKeyId"]), str(key["SecretAccessKey"])


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _policy_document(*actions: str, version: str = "2012-10-17") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": version, "Statement": [statement]})


def _create_zone(route53: Any) -> None:
    zone = route53.create_hosted_zone(Name=DOMAIN, CallerReference="registered")["HostedZone"]["Id"]
    mail = {"Name": DOMAIN, "Type": "MX", "TTL": 3600, "ResourceRecords": [{"Value": f"10 mail.{DOMAIN}"}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": mail}]}
    )


def _create_policies(iam: Any) -> None:
    """Both policies of the plan: the first is attached to a role, a user and a group, and has a second version."""
    assume = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
    iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=assume, Tags=_tag_list(_PROJECT_TAGS))
    iam.create_user(UserName=FOREIGN_RESOURCES["user"])
    iam.create_group(GroupName=FOREIGN_RESOURCES["group"])
    iam.create_policy(
        PolicyName=FOREIGN_RESOURCES["iam_policy"], PolicyDocument=_policy_document("aws-portal:ViewBilling", "ce:Get*")
    )
    arns = []
    for name in POLICY_NAMES:
        policy = iam.create_policy(
            PolicyName=name, PolicyDocument=_policy_document("elasticloadbalancing:*"), Tags=_tag_list(_PROJECT_TAGS)
        )
        arns.append(policy["Policy"]["Arn"])
        iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=arns[-1])
    iam.attach_user_policy(UserName=FOREIGN_RESOURCES["user"], PolicyArn=arns[0])
    iam.attach_group_policy(GroupName=FOREIGN_RESOURCES["group"], PolicyArn=arns[0])
    iam.create_policy_version(
        PolicyArn=arns[0],
        PolicyDocument=_policy_document("elasticloadbalancing:*", "ec2:Describe*"),
        SetAsDefault=True,
    )


def _create_instance_profile(iam: Any) -> None:
    iam.create_instance_profile(InstanceProfileName=INSTANCE_PROFILE_NAME, Tags=_tag_list(_PROJECT_TAGS))
    iam.add_role_to_instance_profile(InstanceProfileName=INSTANCE_PROFILE_NAME, RoleName=ROLE_NAME)


def _import_key_pairs(ec2: Any, public_key: bytes) -> None:
    for name in (KEY_PAIR_NAME, FOREIGN_RESOURCES["key_pair"], FOREIGN_RESOURCES["similar_key_pair"]):
        # Key pairs were imported by hand before terraform did it: no tags, known by its exact name only.
        ec2.import_key_pair(KeyName=name, PublicKeyMaterial=public_key)


def _create_billed_resources(ec2: Any) -> None:
    """What goes on costing money: an address that serves nobody, and the disk of a volume claim."""
    ec2.allocate_address(
        Domain="vpc",
        TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": _tag_list({"Name": ADDRESS_NAME, **_PROJECT_TAGS})}],
    )
    ec2.create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=50,
        VolumeType="gp3",
        TagSpecifications=[{"ResourceType": "volume", "Tags": _tag_list({"Name": VOLUME_NAME, **_PROJECT_TAGS})}],
    )


def _create_buckets(s3: Any) -> None:
    """The image bucket looks empty after `s3 rm --recursive`: versions, a delete marker and an upload are left."""
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    for name in (BUCKET_NAME, FOREIGN_RESOURCES["bucket"], FOREIGN_RESOURCES["tagged_bucket"]):
        s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_tagging(Bucket=BUCKET_NAME, Tagging={"TagSet": _tag_list(_PROJECT_TAGS)})
    s3.put_bucket_tagging(Bucket=FOREIGN_RESOURCES["tagged_bucket"], Tagging={"TagSet": _tag_list(_FOREIGN_TAGS)})
    s3.put_object(Bucket=FOREIGN_RESOURCES["bucket"], Key="2025/10.csv", Body=b"service,cost\n")
    s3.put_bucket_versioning(Bucket=BUCKET_NAME, VersioningConfiguration={"Status": "Enabled"})
    for number in range(6):
        for version in range(2):
            s3.put_object(
                Bucket=BUCKET_NAME, Key=f"scan/{number:04}.jpg", Body=b"\xff\xd8" + bytes(100 * (version + 1))
            )
    s3.delete_object(Bucket=BUCKET_NAME, Key="scan/0000.jpg")
    s3.create_multipart_upload(Bucket=BUCKET_NAME, Key="scan/unfinished.jpg")


def _create_distribution(cloudfront: Any) -> None:
    """Enabled, and with the alias that the plan wants: it has to be disabled, and that takes its time."""
    config = {
        "CallerReference": "terraform-20251101",
        "Aliases": {"Quantity": 1, "Items": [f"images.{DOMAIN}"]},
        "Comment": "prod images",
        "Enabled": True,
        "PriceClass": "PriceClass_200",
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "images",
                    "DomainName": f"{BUCKET_NAME}.s3.{REGION}.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "images",
            "ViewerProtocolPolicy": "redirect-to-https",
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            "MinTTL": 0,
        },
    }
    cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": _tag_list(_PROJECT_TAGS)}}
    )

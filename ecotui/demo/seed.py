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

ALIAS = "eco2-demo"
"""The account's alias: typed to consent to deletions."""
REGION = "ap-northeast-2"
DOMAIN = "growbin.example"
OPERATOR = "operator"
ROLE = "prod-k8s-node-role"
PROFILE = "prod-k8s-node-profile"
POLICIES = ("prod-alb-controller-policy", "prod-s3-presigned-url-policy")
KEY_PAIR = "k8s-cluster-key"
BUCKET = "prod-sesacthon-images"
ADDRESS, DISK = "prod-nat", "prod-pvc-postgres"
"""What goes on costing money: an Elastic IP and a volume, by their Name tags."""

FOREIGN = {
    "iam_policy": "billing-readonly",
    "bucket": "eco2-billing-reports",
    "tagged_bucket": "analytics-raw-events",
    "key_pair": "bastion-key",
    "similar_key_pair": "k8s-cluster-key-staging",
    "group": "platform",
    "user": "ci-deployer",
}
"""Kind to name of what is somebody else's, untagged or tagged for another project."""

_TAGS = {"Project": "SeSACTHON", "ManagedBy": "Terraform", "Environment": "prod", "Team": "Backend"}
_OTHER_TAGS = {"Project": "Analytics", "ManagedBy": "Terraform"}

Client = Callable[..., Any]


def make(endpoint: str, public_key: Path) -> tuple[str, str]:
    """Fill the account; returns the operator's access key id and secret. Raises botocore's errors."""
    import boto3

    session = boto3.Session(
        aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name=REGION
    )

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint)

    iam = client("iam")
    iam.create_account_alias(AccountAlias=ALIAS)
    iam.create_user(UserName=OPERATOR)
    key = iam.create_access_key(UserName=OPERATOR)["AccessKey"]
    _zone(client("route53"))
    _policies(iam)
    _role(iam)
    ec2 = client("ec2")
    _key_pairs(ec2, public_key.read_bytes())
    _idle(ec2)
    _buckets(client("s3"))
    _distribution(client("cloudfront"))
    return str(key["AccessKeyId"]), str(key["SecretAccessKey"])


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _document(*actions: str, version: str = "2012-10-17") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": version, "Statement": [statement]})


def _zone(route53: Any) -> None:
    zone = route53.create_hosted_zone(Name=DOMAIN, CallerReference="registered")["HostedZone"]["Id"]
    mail = {"Name": DOMAIN, "Type": "MX", "TTL": 3600, "ResourceRecords": [{"Value": f"10 mail.{DOMAIN}"}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": mail}]}
    )


def _policies(iam: Any) -> None:
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
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=assume, Tags=_tags(_TAGS))
    iam.create_user(UserName=FOREIGN["user"])
    iam.create_group(GroupName=FOREIGN["group"])
    iam.create_policy(
        PolicyName=FOREIGN["iam_policy"], PolicyDocument=_document("aws-portal:ViewBilling", "ce:Get*")
    )
    arns = []
    for name in POLICIES:
        policy = iam.create_policy(
            PolicyName=name, PolicyDocument=_document("elasticloadbalancing:*"), Tags=_tags(_TAGS)
        )
        arns.append(policy["Policy"]["Arn"])
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=arns[-1])
    iam.attach_user_policy(UserName=FOREIGN["user"], PolicyArn=arns[0])
    iam.attach_group_policy(GroupName=FOREIGN["group"], PolicyArn=arns[0])
    iam.create_policy_version(
        PolicyArn=arns[0],
        PolicyDocument=_document("elasticloadbalancing:*", "ec2:Describe*"),
        SetAsDefault=True,
    )


def _role(iam: Any) -> None:
    iam.create_instance_profile(InstanceProfileName=PROFILE, Tags=_tags(_TAGS))
    iam.add_role_to_instance_profile(InstanceProfileName=PROFILE, RoleName=ROLE)


def _key_pairs(ec2: Any, public_key: bytes) -> None:
    for name in (KEY_PAIR, FOREIGN["key_pair"], FOREIGN["similar_key_pair"]):
        # Key pairs were imported by hand before terraform did it: no tags, known by its exact name only.
        ec2.import_key_pair(KeyName=name, PublicKeyMaterial=public_key)


def _idle(ec2: Any) -> None:
    """What goes on costing money: an address that serves nobody, and the disk of a volume claim."""
    ec2.allocate_address(
        Domain="vpc",
        TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": _tags({"Name": ADDRESS, **_TAGS})}],
    )
    ec2.create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=50,
        VolumeType="gp3",
        TagSpecifications=[{"ResourceType": "volume", "Tags": _tags({"Name": DISK, **_TAGS})}],
    )


def _buckets(s3: Any) -> None:
    """The image bucket looks empty after `s3 rm --recursive`: versions, a delete marker and an upload are left."""
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    for name in (BUCKET, FOREIGN["bucket"], FOREIGN["tagged_bucket"]):
        s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": _tags(_TAGS)})
    s3.put_bucket_tagging(Bucket=FOREIGN["tagged_bucket"], Tagging={"TagSet": _tags(_OTHER_TAGS)})
    s3.put_object(Bucket=FOREIGN["bucket"], Key="2025/10.csv", Body=b"service,cost\n")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for number in range(6):
        for version in range(2):
            s3.put_object(
                Bucket=BUCKET, Key=f"scan/{number:04}.jpg", Body=b"\xff\xd8" + bytes(100 * (version + 1))
            )
    s3.delete_object(Bucket=BUCKET, Key="scan/0000.jpg")
    s3.create_multipart_upload(Bucket=BUCKET, Key="scan/unfinished.jpg")


def _distribution(cloudfront: Any) -> None:
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
                    "DomainName": f"{BUCKET}.s3.{REGION}.amazonaws.com",
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
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": _tags(_TAGS)}}
    )

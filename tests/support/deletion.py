"""What a test puts into an account to have it deleted again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.cleanup.check import check
from checks.cleanup.model import CleanupDetail
from checks.context import CheckContext
from config.model import AwsSettings, CleanupSettings, Settings
from support.cleanup import post

OURS = [{"Key": "Project", "Value": "SeSACTHON"}, {"Key": "ManagedBy", "Value": "Terraform"}]


DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


KEYS = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + letter * 43 + " x" for letter in "AB"]


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


CLEANUP = CleanupSettings(
    names=("*alb-controller*",),
    exact=("k8s-cluster-key",),
    prefixes=("prod-sesacthon",),
    tags={"Project": "SeSACTHON", "ManagedBy": "Terraform"},
    protect=("*-keep",),
    poll=5.0,
    wait=600.0,
)


def empty_account_context(endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    """An empty account, a project without a state, and an operator with keys."""
    post(f"{endpoint}/moto-api/reset")
    monkeypatch.setattr("checks.tools.terraform.read_state_resources", lambda context: ())
    (folder / "terraform").mkdir()
    env = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = Settings(project="eco2", aws=AwsSettings(region="ap-northeast-2"), cleanup=CLEANUP)
    return CheckContext(settings=settings, project=folder, env=env)


def create_attached_policy(context: CheckContext) -> str:
    """A policy of the guide's, attached to a role, a user and a group, with three versions."""
    iam = context.aws.client("iam")
    arn = str(
        iam.create_policy(PolicyName="prod-alb-controller-policy", PolicyDocument=DOCUMENT, Tags=OURS)["Policy"]["Arn"]
    )
    for _ in range(2):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    iam.create_role(RoleName="somebodys-role", AssumeRolePolicyDocument=TRUST)
    iam.create_user(UserName="somebody")
    iam.create_group(GroupName="somebodies")
    iam.attach_role_policy(RoleName="somebodys-role", PolicyArn=arn)
    iam.attach_user_policy(UserName="somebody", PolicyArn=arn)
    iam.attach_group_policy(GroupName="somebodies", PolicyArn=arn)
    return arn


def create_versioned_bucket(context: CheckContext, name: str = "prod-sesacthon-images", *, objects: int = 3) -> None:
    s3 = context.aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for number in range(objects):
        s3.put_object(Bucket=name, Key=f"k{number}", Body=b"1")
        s3.put_object(Bucket=name, Key=f"k{number}", Body=b"2")
    s3.delete_object(Bucket=name, Key="k0")
    s3.create_multipart_upload(Bucket=name, Key="half")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def distribution(context: CheckContext, reference: str = "one", comment: str = "prod-sesacthon images") -> str:
    cloudfront = context.aws.client("cloudfront")
    config = {
        "CallerReference": reference,
        "Comment": comment,
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "s3",
                    "DomainName": "prod-sesacthon-images.s3.ap-northeast-2.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "s3",
            "ViewerProtocolPolicy": "allow-all",
            "MinTTL": 0,
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        },
    }
    made = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": OURS}}
    )
    return str(made["Distribution"]["Id"])


def roles(context: CheckContext) -> None:
    iam = context.aws.client("iam")
    iam.create_role(RoleName="prod-sesacthon-node", AssumeRolePolicyDocument=TRUST, Tags=OURS)
    iam.put_role_policy(RoleName="prod-sesacthon-node", PolicyName="inline", PolicyDocument=DOCUMENT)
    iam.create_instance_profile(InstanceProfileName="prod-sesacthon-node", Tags=OURS)
    iam.add_role_to_instance_profile(InstanceProfileName="prod-sesacthon-node", RoleName="prod-sesacthon-node")


def rows(context: CheckContext) -> CleanupDetail:
    return msgspec.convert(check(context).detail, type=CleanupDetail)


def list_no_identities(**_: Any) -> Any:
    """What moto does not know: origin access identities. There are none."""
    from botocore.awsrequest import AWSResponse

    return AWSResponse("", 200, {}, None), {"CloudFrontOriginAccessIdentityList": {"Items": []}}

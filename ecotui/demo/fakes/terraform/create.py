"""How each resource of the demo project is made: one function a type, through boto3, returning its attributes.

A function gets `after`, what is planned, and looks up in `known` what was made before it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ecotui.demo.fakes.terraform import create_network as network
from ecotui.demo.fakes.terraform.context import Attributes, Context, tagged, tags


def key_pair(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("ec2").import_key_pair(
        KeyName=after["key_name"],
        PublicKeyMaterial=after["public_key"].encode(),
        TagSpecifications=tagged("key-pair", after),
    )
    return {"id": after["key_name"], "key_pair_id": made["KeyPairId"], "fingerprint": made["KeyFingerprint"]}


def instance(c: Context, after: Attributes, key: Any) -> Attributes:
    places = sorted(address for address in c.known if address.startswith("aws_subnet.public["))
    names = sorted(address for address in c.known if address.startswith("aws_instance.node["))
    made = c.client("ec2").run_instances(
        ImageId=after["ami"],
        InstanceType=after["instance_type"],
        MinCount=1,
        MaxCount=1,
        SubnetId=c.id(places[len(names) % len(places)]),
        SecurityGroupIds=[c.id("aws_security_group.nodes")],
        KeyName=after["key_name"],
        IamInstanceProfile={"Name": after["iam_instance_profile"]},
        TagSpecifications=tagged("instance", after),
    )["Instances"][0]
    identity = made["InstanceId"]
    return {
        "id": identity,
        "private_ip": made["PrivateIpAddress"],
        "public_ip": made.get("PublicIpAddress", ""),
        "subnet_id": made["SubnetId"],
        "availability_zone": made["Placement"]["AvailabilityZone"],
        "instance_state": "running",
    }


def role(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("iam").create_role(
        RoleName=after["name"],
        AssumeRolePolicyDocument=after["assume_role_policy"],
        Description=after.get("description") or "",
        Tags=tags(after),
    )["Role"]
    return {"id": after["name"], "arn": made["Arn"], "unique_id": made["RoleId"]}


def instance_profile(c: Context, after: Attributes, key: Any) -> Attributes:
    iam = c.client("iam")
    made = iam.create_instance_profile(InstanceProfileName=after["name"], Tags=tags(after))["InstanceProfile"]
    iam.add_role_to_instance_profile(
        InstanceProfileName=after["name"], RoleName=c.id("aws_iam_role.k8s_node")
    )
    return {"id": after["name"], "arn": made["Arn"]}


def policy(c: Context, after: Attributes, key: Any) -> Attributes:
    document = after.get("policy") or _document(
        "s3:PutObject", "s3:GetObject", resource=f"{c.get('aws_s3_bucket.images', 'arn')}/*"
    )
    made = c.client("iam").create_policy(
        PolicyName=after["name"],
        PolicyDocument=document,
        Description=after.get("description") or "",
        Tags=tags(after),
    )["Policy"]
    return {"id": made["Arn"], "arn": made["Arn"], "policy_id": made["PolicyId"], "policy": document}


def role_policy_attachment(c: Context, after: Attributes, key: Any) -> Attributes:
    arn = c.get(f"aws_iam_policy.{key}", "arn")
    c.client("iam").attach_role_policy(RoleName=after["role"], PolicyArn=arn)
    return {"id": f"{after['role']}-{arn}", "policy_arn": arn}


def bucket(c: Context, after: Attributes, key: Any) -> Attributes:
    s3, name = c.client("s3"), after["bucket"]
    region = s3.meta.region_name
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags(after)})
    return {
        "id": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucket_regional_domain_name": f"{name}.s3.{region}.amazonaws.com",
    }


def bucket_versioning(c: Context, after: Attributes, key: Any) -> Attributes:
    name = c.id("aws_s3_bucket.images")
    c.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return {"id": name, "bucket": name}


def bucket_public_access_block(c: Context, after: Attributes, key: Any) -> Attributes:
    name = c.id("aws_s3_bucket.images")
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    c.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)
    return {"id": name, "bucket": name}


def bucket_policy(c: Context, after: Attributes, key: Any) -> Attributes:
    name = c.id("aws_s3_bucket.images")
    principal = {"AWS": c.get("aws_cloudfront_origin_access_identity.images", "iam_arn")}
    document = _document("s3:GetObject", resource=f"arn:aws:s3:::{name}/*", principal=principal)
    c.client("s3").put_bucket_policy(Bucket=name, Policy=document)
    return {"id": name, "bucket": name, "policy": document}


def origin_access_identity(c: Context, after: Attributes, key: Any) -> Attributes:
    made = c.client("cloudfront").create_cloud_front_origin_access_identity(
        CloudFrontOriginAccessIdentityConfig={"CallerReference": _reference(), "Comment": after["comment"]}
    )["CloudFrontOriginAccessIdentity"]
    user = f"CloudFront Origin Access Identity {made['Id']}"
    return {
        "id": made["Id"],
        "iam_arn": f"arn:aws:iam::cloudfront:user/{user}",
        "cloudfront_access_identity_path": f"origin-access-identity/cloudfront/{made['Id']}",
        "s3_canonical_user_id": made["S3CanonicalUserId"],
    }


def certificate(c: Context, after: Attributes, key: Any) -> Attributes:
    acm = c.client("acm", region_name="us-east-1")
    arn = acm.request_certificate(DomainName=after["domain_name"], ValidationMethod="DNS", Tags=tags(after))[
        "CertificateArn"
    ]
    options = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    return {
        "id": arn,
        "arn": arn,
        "domain_validation_options": [
            {
                "domain_name": option["DomainName"],
                "resource_record_name": option["ResourceRecord"]["Name"],
                "resource_record_type": option["ResourceRecord"]["Type"],
                "resource_record_value": option["ResourceRecord"]["Value"],
            }
            for option in options
        ],
    }


def certificate_validation(c: Context, after: Attributes, key: Any) -> Attributes:
    acm, arn = c.client("acm", region_name="us-east-1"), c.get("aws_acm_certificate.cdn", "arn")
    # An hour, the provider's default would be 75 minutes; the demo's takes seconds.
    for _ in range(3600):
        if acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED":
            break
        time.sleep(1)
    return {"id": arn, "certificate_arn": arn}


def record(c: Context, after: Attributes, key: Any) -> Attributes:
    zone = after["zone_id"]
    if key is not None:
        option = c.known["aws_acm_certificate.cdn"]["domain_validation_options"][0]
        shown = {
            "Name": option["resource_record_name"],
            "Type": option["resource_record_type"],
            "TTL": after["ttl"],
            "ResourceRecords": [{"Value": option["resource_record_value"]}],
        }
    elif after["name"].startswith("images."):
        target = {
            "DNSName": c.get("aws_cloudfront_distribution.images", "domain_name"),
            "HostedZoneId": _CLOUDFRONT_ZONE,
            "EvaluateTargetHealth": False,
        }
        shown = {"Name": after["name"], "Type": "A", "AliasTarget": target}
    else:
        address = {"Value": c.get("aws_eip.master", "public_ip")}
        shown = {"Name": after["name"], "Type": "A", "TTL": after["ttl"], "ResourceRecords": [address]}
    c.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": shown}]}
    )
    name = shown["Name"].rstrip(".")
    return {"id": f"{zone}_{name}_{shown['Type']}", "fqdn": name, "name": name, "type": shown["Type"]}


# The zone of every distribution's own name (AWS documentation, AliasTarget of Route 53).
_CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"


def distribution(c: Context, after: Attributes, key: Any) -> Attributes:
    behavior = after["default_cache_behavior"][0]
    identity = c.get("aws_cloudfront_origin_access_identity.images", "cloudfront_access_identity_path")
    origin = {
        "Id": "images",
        "DomainName": c.get("aws_s3_bucket.images", "bucket_regional_domain_name"),
        "S3OriginConfig": {"OriginAccessIdentity": identity},
    }
    config = {
        "CallerReference": _reference(),
        "Aliases": {"Quantity": len(after["aliases"]), "Items": after["aliases"]},
        "Comment": after["comment"],
        "Enabled": after["enabled"],
        "PriceClass": after["price_class"],
        "DefaultRootObject": after["default_root_object"],
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "images",
            "ViewerProtocolPolicy": behavior["viewer_protocol_policy"],
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            "MinTTL": behavior["min_ttl"],
            "DefaultTTL": behavior["default_ttl"],
            "MaxTTL": behavior["max_ttl"],
            "Compress": behavior["compress"],
        },
        "ViewerCertificate": {
            "ACMCertificateArn": c.get("aws_acm_certificate_validation.cdn", "certificate_arn"),
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    }
    made = c.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": tags(after)}}
    )["Distribution"]
    return {
        "id": made["Id"],
        "arn": made["ARN"],
        "domain_name": made["DomainName"],
        "hosted_zone_id": _CLOUDFRONT_ZONE,
        "status": made["Status"],
    }


def _reference() -> str:
    return f"terraform-{time.time_ns()}"


def _document(*actions: str, resource: str, principal: Mapping[str, str] | None = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if principal:
        statement["Principal"] = principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


Make = Callable[[Context, Attributes, Any], Attributes]

# Type to how the provider words what it was doing, which attribute names it there, and the function.
MAKERS: Mapping[str, tuple[str, str, Make]] = {
    "aws_acm_certificate": ("requesting ACM Certificate", "domain_name", certificate),
    "aws_acm_certificate_validation": (
        "waiting for ACM Certificate to be issued",
        "",
        certificate_validation,
    ),
    "aws_cloudfront_distribution": ("creating CloudFront Distribution", "", distribution),
    "aws_cloudfront_origin_access_identity": (
        "creating CloudFront Origin Access Identity",
        "",
        origin_access_identity,
    ),
    "aws_eip": ("creating EC2 EIP", "", network.eip),
    "aws_eip_association": ("creating EC2 EIP Association", "", network.eip_association),
    "aws_iam_instance_profile": ("creating IAM Instance Profile", "name", instance_profile),
    "aws_iam_policy": ("creating IAM Policy", "name", policy),
    "aws_iam_role": ("creating IAM Role", "name", role),
    "aws_iam_role_policy_attachment": ("attaching IAM Policy to IAM Role", "role", role_policy_attachment),
    "aws_instance": ("creating EC2 Instance", "", instance),
    "aws_internet_gateway": ("creating EC2 Internet Gateway", "", network.internet_gateway),
    "aws_key_pair": ("importing EC2 Key Pair", "key_name", key_pair),
    "aws_route53_record": ("creating Route53 Record", "", record),
    "aws_route_table": ("creating Route Table", "", network.route_table),
    "aws_route_table_association": ("creating Route Table Association", "", network.route_table_association),
    "aws_s3_bucket": ("creating S3 Bucket", "bucket", bucket),
    "aws_s3_bucket_policy": ("putting S3 Bucket Policy", "", bucket_policy),
    "aws_s3_bucket_public_access_block": (
        "creating S3 Bucket Public Access Block",
        "",
        bucket_public_access_block,
    ),
    "aws_s3_bucket_versioning": ("creating S3 Bucket Versioning", "", bucket_versioning),
    "aws_security_group": ("creating Security Group", "name", network.security_group),
    "aws_subnet": ("creating EC2 Subnet", "", network.subnet),
    "aws_vpc": ("creating EC2 VPC", "", network.vpc),
    "aws_vpc_security_group_ingress_rule": (
        "creating VPC Security Group Ingress Rule",
        "",
        network.ingress_rule,
    ),
}

"""Creates each resource of the demo project through boto3: one function a resource type.

A function gets `after` (the planned attributes) and the key of its instance, and returns the attributes for the state.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

Attributes = dict[str, Any]
ClientFactory = Callable[..., Any]
"""boto3's client(service, region_name=None)."""


class CreationContext:
    """What the functions stand on: clients, and the attributes of everything made so far by address."""

    def __init__(self, client: ClientFactory, resources: Mapping[str, Attributes]) -> None:
        self.client, self.resources = client, resources

    def resource_id(self, address: str) -> str:
        return str(self.resources[address]["id"])

    def attribute(self, address: str, attribute: str) -> str:
        return str(self.resources[address][attribute])


def tag_list(after: Attributes) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (after.get("tags_all") or {}).items()]


def tag_specifications(kind: str, after: Attributes) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tag_list(after)}]


def create_key_pair(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").import_key_pair(
        KeyName=after["key_name"],
        PublicKeyMaterial=after["public_key"].encode(),
        TagSpecifications=tag_specifications("key-pair", after),
    )
    return {"id": after["key_name"], "key_pair_id": made["KeyPairId"], "fingerprint": made["KeyFingerprint"]}


def create_instance(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    places = sorted(address for address in context.resources if address.startswith("aws_subnet.public["))
    names = sorted(address for address in context.resources if address.startswith("aws_instance.node["))
    made = context.client("ec2").run_instances(
        ImageId=after["ami"],
        InstanceType=after["instance_type"],
        MinCount=1,
        MaxCount=1,
        SubnetId=context.resource_id(places[len(names) % len(places)]),
        SecurityGroupIds=[context.resource_id("aws_security_group.nodes")],
        KeyName=after["key_name"],
        IamInstanceProfile={"Name": after["iam_instance_profile"]},
        TagSpecifications=tag_specifications("instance", after),
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


def create_role(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("iam").create_role(
        RoleName=after["name"],
        AssumeRolePolicyDocument=after["assume_role_policy"],
        Description=after.get("description") or "",
        Tags=tag_list(after),
    )["Role"]
    return {"id": after["name"], "arn": made["Arn"], "unique_id": made["RoleId"]}


def create_instance_profile(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    iam = context.client("iam")
    made = iam.create_instance_profile(InstanceProfileName=after["name"], Tags=tag_list(after))["InstanceProfile"]
    iam.add_role_to_instance_profile(
        InstanceProfileName=after["name"], RoleName=context.resource_id("aws_iam_role.k8s_node")
    )
    return {"id": after["name"], "arn": made["Arn"]}


def create_policy(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    document = after.get("policy") or _policy_document(
        "s3:PutObject", "s3:GetObject", resource=f"{context.attribute('aws_s3_bucket.images', 'arn')}/*"
    )
    made = context.client("iam").create_policy(
        PolicyName=after["name"],
        PolicyDocument=document,
        Description=after.get("description") or "",
        Tags=tag_list(after),
    )["Policy"]
    return {"id": made["Arn"], "arn": made["Arn"], "policy_id": made["PolicyId"], "policy": document}


def attach_role_policy(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    arn = context.attribute(f"aws_iam_policy.{key}", "arn")
    context.client("iam").attach_role_policy(RoleName=after["role"], PolicyArn=arn)
    return {"id": f"{after['role']}-{arn}", "policy_arn": arn}


def create_bucket(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    s3, name = context.client("s3"), after["bucket"]
    region = s3.meta.region_name
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(after)})
    return {
        "id": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucket_regional_domain_name": f"{name}.s3.{region}.amazonaws.com",
    }


def create_bucket_versioning(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    name = context.resource_id("aws_s3_bucket.images")
    context.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return {"id": name, "bucket": name}


def create_bucket_public_access_block(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    name = context.resource_id("aws_s3_bucket.images")
    blocks = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    context.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)
    return {"id": name, "bucket": name}


def create_bucket_policy(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    name = context.resource_id("aws_s3_bucket.images")
    principal = {"AWS": context.attribute("aws_cloudfront_origin_access_identity.images", "iam_arn")}
    document = _policy_document("s3:GetObject", resource=f"arn:aws:s3:::{name}/*", principal=principal)
    context.client("s3").put_bucket_policy(Bucket=name, Policy=document)
    return {"id": name, "bucket": name, "policy": document}


def create_origin_access_identity(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("cloudfront").create_cloud_front_origin_access_identity(
        CloudFrontOriginAccessIdentityConfig={"CallerReference": _caller_reference(), "Comment": after["comment"]}
    )["CloudFrontOriginAccessIdentity"]
    user = f"CloudFront Origin Access Identity {made['Id']}"
    return {
        "id": made["Id"],
        "iam_arn": f"arn:aws:iam::cloudfront:user/{user}",
        "cloudfront_access_identity_path": f"origin-access-identity/cloudfront/{made['Id']}",
        "s3_canonical_user_id": made["S3CanonicalUserId"],
    }


def request_certificate(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    acm = context.client("acm", region_name="us-east-1")
    arn = acm.request_certificate(DomainName=after["domain_name"], ValidationMethod="DNS", Tags=tag_list(after))[
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


def wait_for_certificate(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    acm, arn = context.client("acm", region_name="us-east-1"), context.attribute("aws_acm_certificate.cdn", "arn")
    # An hour, the provider's default would be 75 minutes; the demo's takes seconds.
    for _ in range(3600):
        if acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED":
            break
        time.sleep(1)
    return {"id": arn, "certificate_arn": arn}


def create_dns_record(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    zone = after["zone_id"]
    if key is not None:
        option = context.resources["aws_acm_certificate.cdn"]["domain_validation_options"][0]
        shown = {
            "Name": option["resource_record_name"],
            "Type": option["resource_record_type"],
            "TTL": after["ttl"],
            "ResourceRecords": [{"Value": option["resource_record_value"]}],
        }
    elif after["name"].startswith("images."):
        target = {
            "DNSName": context.attribute("aws_cloudfront_distribution.images", "domain_name"),
            "HostedZoneId": _CLOUDFRONT_ZONE,
            "EvaluateTargetHealth": False,
        }
        shown = {"Name": after["name"], "Type": "A", "AliasTarget": target}
    else:
        address = {"Value": context.attribute("aws_eip.master", "public_ip")}
        shown = {"Name": after["name"], "Type": "A", "TTL": after["ttl"], "ResourceRecords": [address]}
    context.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": shown}]}
    )
    name = shown["Name"].rstrip(".")
    return {"id": f"{zone}_{name}_{shown['Type']}", "fqdn": name, "name": name, "type": shown["Type"]}


# The zone of every distribution's own name (AWS documentation, AliasTarget of Route 53).
_CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"


def create_distribution(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    behavior = after["default_cache_behavior"][0]
    identity = context.attribute("aws_cloudfront_origin_access_identity.images", "cloudfront_access_identity_path")
    origin = {
        "Id": "images",
        "DomainName": context.attribute("aws_s3_bucket.images", "bucket_regional_domain_name"),
        "S3OriginConfig": {"OriginAccessIdentity": identity},
    }
    config = {
        "CallerReference": _caller_reference(),
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
            "ACMCertificateArn": context.attribute("aws_acm_certificate_validation.cdn", "certificate_arn"),
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    }
    made = context.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": tag_list(after)}}
    )["Distribution"]
    return {
        "id": made["Id"],
        "arn": made["ARN"],
        "domain_name": made["DomainName"],
        "hosted_zone_id": _CLOUDFRONT_ZONE,
        "status": made["Status"],
    }


def _caller_reference() -> str:
    return f"terraform-{time.time_ns()}"


def _policy_document(*actions: str, resource: str, principal: Mapping[str, str] | None = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if principal:
        statement["Principal"] = principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create_vpc(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_vpc(
        CidrBlock=after["cidr_block"], TagSpecifications=tag_specifications("vpc", after)
    )["Vpc"]
    return {"id": made["VpcId"], "arn": f"arn:aws:ec2:ap-northeast-2:{made['OwnerId']}:vpc/{made['VpcId']}"}


def create_internet_gateway(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    ec2 = context.client("ec2")
    tags = tag_specifications("internet-gateway", after)
    made = ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=context.resource_id("aws_vpc.main"))
    return {"id": made, "vpc_id": context.resource_id("aws_vpc.main")}


def create_subnet(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_subnet(
        VpcId=context.resource_id("aws_vpc.main"),
        CidrBlock=after.get("cidr_block") or f"10.0.{key + 1}.0/24",
        AvailabilityZone=after["availability_zone"],
        TagSpecifications=tag_specifications("subnet", after),
    )["Subnet"]
    return {"id": made["SubnetId"], "arn": made["SubnetArn"], "vpc_id": made["VpcId"]}


def create_route_table(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    ec2 = context.client("ec2")
    made = ec2.create_route_table(
        VpcId=context.resource_id("aws_vpc.main"), TagSpecifications=tag_specifications("route-table", after)
    )["RouteTable"]["RouteTableId"]
    gateway = context.resource_id("aws_internet_gateway.main")
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return {"id": made, "vpc_id": context.resource_id("aws_vpc.main")}


def associate_route_table(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").associate_route_table(
        RouteTableId=context.resource_id("aws_route_table.public"),
        SubnetId=context.resource_id(f"aws_subnet.public[{key}]"),
    )
    return {"id": made["AssociationId"]}


def create_security_group(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").create_security_group(
        GroupName=after["name"],
        Description=after["description"],
        VpcId=context.resource_id("aws_vpc.main"),
        TagSpecifications=tag_specifications("security-group", after),
    )
    return {"id": made["GroupId"], "vpc_id": context.resource_id("aws_vpc.main")}


def create_ingress_rule(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    group = context.resource_id("aws_security_group.nodes")
    permission: dict[str, Any] = {"IpProtocol": after["ip_protocol"]}
    if after.get("from_port") is not None:
        permission |= {"FromPort": after["from_port"], "ToPort": after["to_port"]}
    if after.get("cidr_ipv4"):
        permission["IpRanges"] = [{"CidrIp": after["cidr_ipv4"], "Description": after.get("description") or ""}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": group}]
    made = context.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    rules = made.get("SecurityGroupRules") or [{}]
    return {"id": rules[0].get("SecurityGroupRuleId", group), "security_group_id": group}


def allocate_eip(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").allocate_address(
        Domain="vpc", TagSpecifications=tag_specifications("elastic-ip", after)
    )
    return {
        "id": made["AllocationId"],
        "allocation_id": made["AllocationId"],
        "public_ip": made["PublicIp"],
    }


def associate_eip(context: CreationContext, after: Attributes, key: Any) -> Attributes:
    made = context.client("ec2").associate_address(
        AllocationId=context.resource_id("aws_eip.master"),
        InstanceId=context.resource_id('aws_instance.node["k8s-master"]'),
    )
    return {"id": made["AssociationId"]}


Creator = Callable[[CreationContext, Attributes, Any], Attributes]

# Type to how the provider words what it was doing, which attribute names it there, and the function.
CREATORS: Mapping[str, tuple[str, str, Creator]] = {
    "aws_acm_certificate": ("requesting ACM Certificate", "domain_name", request_certificate),
    "aws_acm_certificate_validation": (
        "waiting for ACM Certificate to be issued",
        "",
        wait_for_certificate,
    ),
    "aws_cloudfront_distribution": ("creating CloudFront Distribution", "", create_distribution),
    "aws_cloudfront_origin_access_identity": (
        "creating CloudFront Origin Access Identity",
        "",
        create_origin_access_identity,
    ),
    "aws_eip": ("creating EC2 EIP", "", allocate_eip),
    "aws_eip_association": ("creating EC2 EIP Association", "", associate_eip),
    "aws_iam_instance_profile": ("creating IAM Instance Profile", "name", create_instance_profile),
    "aws_iam_policy": ("creating IAM Policy", "name", create_policy),
    "aws_iam_role": ("creating IAM Role", "name", create_role),
    "aws_iam_role_policy_attachment": ("attaching IAM Policy to IAM Role", "role", attach_role_policy),
    "aws_instance": ("creating EC2 Instance", "", create_instance),
    "aws_internet_gateway": ("creating EC2 Internet Gateway", "", create_internet_gateway),
    "aws_key_pair": ("importing EC2 Key Pair", "key_name", create_key_pair),
    "aws_route53_record": ("creating Route53 Record", "", create_dns_record),
    "aws_route_table": ("creating Route Table", "", create_route_table),
    "aws_route_table_association": ("creating Route Table Association", "", associate_route_table),
    "aws_s3_bucket": ("creating S3 Bucket", "bucket", create_bucket),
    "aws_s3_bucket_policy": ("putting S3 Bucket Policy", "", create_bucket_policy),
    "aws_s3_bucket_public_access_block": (
        "creating S3 Bucket Public Access Block",
        "",
        create_bucket_public_access_block,
    ),
    "aws_s3_bucket_versioning": ("creating S3 Bucket Versioning", "", create_bucket_versioning),
    "aws_security_group": ("creating Security Group", "name", create_security_group),
    "aws_subnet": ("creating EC2 Subnet", "", create_subnet),
    "aws_vpc": ("creating EC2 VPC", "", create_vpc),
    "aws_vpc_security_group_ingress_rule": (
        "creating VPC Security Group Ingress Rule",
        "",
        create_ingress_rule,
    ),
}

"""One leftover of each kind, created in an account of moto."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from support.cleanup import Account
from support.deletion import DOCUMENT, KEYS, OURS, TRUST, distribution
from support.network import create_network

NAME = "prod-sesacthon-x"
TAGS = {one["Key"]: one["Value"] for one in OURS}


def _network(account: Account) -> None:
    create_network(account, NAME)


def _vpc_with_subnets(account: Account) -> dict[str, Any]:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = zip(("10.0.1.0/24", "10.0.2.0/24"), ("ap-northeast-2a", "ap-northeast-2b"), strict=True)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr, zone in zones
    ]
    return {"vpc": vpc, "subnets": subnets}


def _origin_access_control(account: Account) -> None:
    config = {
        "Name": NAME,
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    account.client("cloudfront").create_origin_access_control(OriginAccessControlConfig=config)


def _load_balancer(account: Account) -> None:
    account.client("elbv2").create_load_balancer(Name=NAME, Subnets=_vpc_with_subnets(account)["subnets"], Tags=OURS)


def _classic_load_balancer(account: Account) -> None:
    account.client("elb").create_load_balancer(
        LoadBalancerName=NAME,
        AvailabilityZones=["ap-northeast-2a"],
        Tags=OURS,
        Listeners=[{"Protocol": "tcp", "LoadBalancerPort": 80, "InstancePort": 80}],
    )


def _target_group(account: Account) -> None:
    vpc = _vpc_with_subnets(account)["vpc"]
    account.client("elbv2").create_target_group(Name=NAME, Protocol="HTTP", Port=80, VpcId=vpc, Tags=OURS)


def _instance(account: Account) -> None:
    account.client("ec2").run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=account.tags("instance", NAME)
    )


def _key_pair(account: Account) -> None:
    account.client("ec2").import_key_pair(KeyName=NAME, PublicKeyMaterial=KEYS[0].encode())


def _launch_template(account: Account) -> None:
    account.client("ec2").create_launch_template(
        LaunchTemplateName=NAME, LaunchTemplateData={"InstanceType": "t3.micro"}
    )


def _placement_group(account: Account) -> None:
    account.client("ec2").create_placement_group(GroupName=NAME, Strategy="spread")


def _volume(account: Account) -> None:
    account.client("ec2").create_volume(
        AvailabilityZone="ap-northeast-2a", Size=8, TagSpecifications=account.tags("volume")
    )


def _peering(account: Account) -> None:
    ec2 = account.client("ec2")
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (1, 2)]
    ec2.create_vpc_peering_connection(
        VpcId=vpcs[0], PeerVpcId=vpcs[1], TagSpecifications=account.tags("vpc-peering-connection")
    )


def _vpn(account: Account) -> None:
    ec2 = account.client("ec2")
    gateway = ec2.create_vpn_gateway(Type="ipsec.1", TagSpecifications=account.tags("vpn-gateway"))["VpnGateway"]
    customer = ec2.create_customer_gateway(
        Type="ipsec.1", PublicIp="203.0.113.9", BgpAsn=65000, TagSpecifications=account.tags("customer-gateway")
    )["CustomerGateway"]
    ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGatewayId"],
        VpnGatewayId=gateway["VpnGatewayId"],
        TagSpecifications=account.tags("vpn-connection"),
    )


def _instance_profile(account: Account) -> None:
    account.client("iam").create_instance_profile(InstanceProfileName=NAME, Tags=OURS)


def _role(account: Account) -> None:
    account.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=TRUST, Tags=OURS)


def _policy(account: Account) -> None:
    account.client("iam").create_policy(PolicyName=NAME, PolicyDocument=DOCUMENT, Tags=OURS)


def _oidc_provider(account: Account) -> None:
    account.client("iam").create_open_id_connect_provider(
        Url="https://oidc.example.com/id/1", ThumbprintList=["a" * 40], Tags=OURS
    )


def _bucket(account: Account) -> None:
    account.client("s3").create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})


def _zone(account: Account) -> str:
    route53 = account.client("route53")
    zone = str(route53.create_hosted_zone(Name=f"{NAME}.example", CallerReference="x")["HostedZone"]["Id"])
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=OURS)
    return zone


def _record(account: Account) -> None:
    record = {"Name": f"{NAME}.{NAME}.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    account.client("route53").change_resource_record_sets(
        HostedZoneId=_zone(account), ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


def _certificate(account: Account) -> None:
    account.client("acm").request_certificate(DomainName=f"{NAME}.example", Tags=OURS)


def _log_group(account: Account) -> None:
    account.client("logs").create_log_group(logGroupName=f"/{NAME}", tags=TAGS)


def _parameter(account: Account) -> None:
    account.client("ssm").put_parameter(Name=f"/{NAME}", Value="x", Type="String", Tags=OURS)


def _origin_access_identity(account: Account) -> None:
    """moto has none: the client answers by itself."""
    from botocore.awsrequest import AWSResponse

    items = [{"Id": "E2OAI", "S3CanonicalUserId": "user", "Comment": NAME}]

    def answer(body: Callable[[], dict[str, Any]], **_: Any) -> Any:
        missing = {"Error": {"Code": "NoSuchCloudFrontOriginAccessIdentity", "Message": "x"}}
        return AWSResponse("", 200 if items else 404, {}, None), body() if items else missing

    def read() -> dict[str, Any]:
        config = {"Comment": items[0]["Comment"], "CallerReference": "x"}
        return {
            "ETag": "1",
            "CloudFrontOriginAccessIdentity": {**items[0], "CloudFrontOriginAccessIdentityConfig": config},
        }

    def delete() -> dict[str, Any]:
        items.clear()
        return {}

    def list_all(**_: Any) -> Any:
        return AWSResponse("", 200, {}, None), {"CloudFrontOriginAccessIdentityList": {"Items": list(items)}}

    events, name = account.client("cloudfront").meta.events, "CloudFrontOriginAccessIdentity"
    events.register_first("before-call.cloudfront.ListCloudFrontOriginAccessIdentities", list_all)
    events.register(f"before-call.cloudfront.Get{name}", partial(answer, read))
    events.register(f"before-call.cloudfront.Delete{name}", partial(answer, delete))


CREATE: dict[str, Callable[[Account], object]] = {
    "cloudfront": lambda account: distribution(account.context),
    "cloudfront-oai": _origin_access_identity,
    "cloudfront-oac": _origin_access_control,
    "load-balancer": _load_balancer,
    "classic-load-balancer": _classic_load_balancer,
    "target-group": _target_group,
    "instance-profile": _instance_profile,
    "iam-role": _role,
    "iam-policy": _policy,
    "oidc-provider": _oidc_provider,
    "ec2-instance": _instance,
    "launch-template": _launch_template,
    "placement-group": _placement_group,
    "key-pair": _key_pair,
    "volume": _volume,
    "vpc-endpoint": _network,
    "network-interface": _network,
    "security-group": _network,
    "nat-gateway": _network,
    "elastic-ip": _network,
    "internet-gateway": _network,
    "egress-gateway": _network,
    "vpn-connection": _vpn,
    "vpn-gateway": _vpn,
    "customer-gateway": _vpn,
    "vpc-peering": _peering,
    "subnet": _network,
    "route-table": _network,
    "network-acl": _network,
    "vpc": _network,
    "s3-bucket": _bucket,
    "route53-record": _record,
    "route53-zone": _zone,
    "acm-certificate": _certificate,
    "log-group": _log_group,
    "ssm-parameter": _parameter,
}
"""By kind: creates at least one leftover of it, and what that needs."""

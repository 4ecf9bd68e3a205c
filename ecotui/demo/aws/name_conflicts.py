"""Duplicates and limits that AWS refuses and moto does not: names in IAM, Auto Scaling, CloudFront, RDS and Route53;
Elastic IPs, VPCs and internet gateways beyond the quota."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend
from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.models import CloudFrontBackend
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.exceptions import EntityAlreadyExists
from moto.iam.models import IAMBackend
from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend
from moto.route53.exceptions import ResourceRecordAlreadyExists
from moto.route53.models import Route53Backend

from ecotui.demo.aws.service_quotas import ADDRESS_QUOTA, INTERNET_GATEWAY_QUOTA, VPC_QUOTA, QuotaService


class OriginAccessControlExists(CloudFrontException):
    code = "OriginAccessControlAlreadyExists"
    message = "An origin access control with the specified parameters already exists."


def install_name_conflicts(quota_service: QuotaService) -> None:
    """Refuse as AWS does. Once a process."""
    _install_iam_checks()
    _check_before(AutoScalingBackend, "create_auto_scaling_group", _check_autoscaling_group_name)
    _check_before(CloudFrontBackend, "create_origin_access_control", _check_origin_access_control_name)
    _check_before(RDSBackend, "create_subnet_group", _check_subnet_group_name)
    _check_before(Route53Backend, "change_resource_record_sets", _check_record_names)
    _install_quota_limits(quota_service)


def _check_before(backend: Any, operation: str, check: Callable[..., None]) -> None:
    """Ask `check` with the operation's own arguments, before it is carried out."""
    carry_out = getattr(backend, operation)

    @functools.wraps(carry_out)
    def checked(self: Any, *words: Any, **named: Any) -> Any:
        check(self, *words, **named)
        return carry_out(self, *words, **named)

    setattr(backend, operation, checked)


def _install_iam_checks() -> None:
    """IAM does not tell apart names by their case, nor policies by their path."""
    kinds: tuple[tuple[str, str, int, str, Callable[[Any], Iterable[str]]], ...] = (
        (
            "create_role",
            "role_name",
            0,
            "Role with name {}",
            lambda iam: [one.name for one in iam.roles.values()],
        ),
        ("create_user", "user_name", 1, "User with name {}", lambda iam: list(iam.users)),
        ("create_group", "group_name", 0, "Group with name {}", lambda iam: list(iam.groups)),
        (
            "create_instance_profile",
            "name",
            0,
            "Instance Profile {}",
            lambda iam: list(iam.instance_profiles),
        ),
        (
            "create_policy",
            "policy_name",
            3,
            "A policy called {}",
            lambda iam: [one.name for one in iam.managed_policies.values() if ":aws:policy/" not in one.arn],
        ),
    )
    for operation, parameter, place, words, names in kinds:

        def check(
            self: Any,
            *given: Any,
            parameter: str = parameter,
            place: int = place,
            words: str = words,
            names: Callable[[Any], Iterable[str]] = names,
            **named: Any,
        ) -> None:
            name = str(named[parameter] if parameter in named else given[place])
            if name.lower() in {one.lower() for one in names(self)}:
                raise EntityAlreadyExists(f"{words.format(name)} already exists.")

        _check_before(IAMBackend, operation, check)


def _check_autoscaling_group_name(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
    if name in self.autoscaling_groups:
        raise AutoscalingClientError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )


def _check_origin_access_control_name(self: Any, config_dict: dict[str, str]) -> None:
    if any(one.name == config_dict.get("Name") for one in self.origin_access_controls.values()):
        raise OriginAccessControlExists


def _check_subnet_group_name(self: Any, subnet_name: str, *args: Any, **kwargs: Any) -> None:
    if subnet_name in self.subnet_groups:
        raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")


def _check_record_names(self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
    """CREATE is refused whatever the value is (moto: only when it is the same)."""

    def key(record: dict[str, Any]) -> tuple[str, str, str]:
        name = str(record["Name"]).rstrip(".").lower().replace("\\052", "*")
        return name, str(record["Type"]), str(record.get("SetIdentifier") or "")

    there = {
        (one.name.rstrip(".").lower().replace("\\052", "*"), one.type, one.set_identifier or "")
        for one in self.get_hosted_zone(zoneid).rrsets
    }
    gone = {key(one["ResourceRecordSet"]) for one in change_list if one["Action"] == "DELETE"}
    for one in change_list:
        wanted = key(one["ResourceRecordSet"])
        if one["Action"] == "CREATE" and wanted in there - gone:
            raise ResourceRecordAlreadyExists(name=f"{wanted[0]}.", _type=wanted[1])


def _install_quota_limits(quota_service: QuotaService) -> None:
    def addresses(self: Any, *words: Any, **named: Any) -> None:
        if len(self.addresses) >= quota_service.limit(self.region_name, ADDRESS_QUOTA):
            raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")

    def vpcs(self: Any, *words: Any, is_default: bool = False, **named: Any) -> None:
        if not is_default and len(self.vpcs) >= quota_service.limit(self.region_name, VPC_QUOTA):
            raise EC2ClientError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")

    def gateways(self: Any, *words: Any, **named: Any) -> None:
        if len(self.internet_gateways) >= quota_service.limit(self.region_name, INTERNET_GATEWAY_QUOTA):
            raise EC2ClientError(
                "InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."
            )

    _check_before(ElasticAddressBackend, "allocate_address", addresses)
    _check_before(VPCBackend, "create_vpc", vpcs)
    _check_before(InternetGatewayBackend, "create_internet_gateway", gateways)

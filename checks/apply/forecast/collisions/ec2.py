"""Collisions of EC2 and Auto Scaling: names that are unique in a region, or in a VPC."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import (
    CollisionKind,
    CollisionQuery,
    ExistingResource,
    describe_by_name,
    filter_by_name,
)


def _find_security_group(query: CollisionQuery) -> ExistingResource | None:
    vpc = query.planned.known_text("vpc_id")
    if vpc is None:
        default = query.list_items("describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])
        if not default:
            return None
        vpc = default[0]["VpcId"]
    filters = [{"Name": "group-name", "Values": [query.name]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = query.list_items("describe_security_groups", "SecurityGroups", Filters=filters)
    return ExistingResource(id=f"{found[0]['GroupId']} in {vpc}", import_id=found[0]["GroupId"]) if found else None


KINDS = (
    CollisionKind(
        "aws_key_pair",
        describe_by_name("describe_key_pairs", "KeyNames", "KeyPairs.KeyPairId"),
        "ec2:DescribeKeyPairs",
        "ec2",
        attribute="key_name",
        guide=("4.1",),
    ),
    CollisionKind(
        "aws_security_group",
        _find_security_group,
        "ec2:DescribeSecurityGroups",
        "ec2",
        scope=("vpc_id", "aws_vpc"),
    ),
    CollisionKind(
        "aws_ami",
        filter_by_name("describe_images", "Images", "name", "ImageId", Owners=["self"]),
        "ec2:DescribeImages",
        "ec2",
    ),
    CollisionKind(
        "aws_launch_template",
        filter_by_name("describe_launch_templates", "LaunchTemplates", "launch-template-name", "LaunchTemplateId"),
        "ec2:DescribeLaunchTemplates",
        "ec2",
    ),
    CollisionKind(
        "aws_placement_group",
        filter_by_name("describe_placement_groups", "PlacementGroups", "group-name", "GroupArn", imports_by_name=True),
        "ec2:DescribePlacementGroups",
        "ec2",
    ),
    CollisionKind(
        "aws_autoscaling_group",
        describe_by_name(
            "describe_auto_scaling_groups", "AutoScalingGroupNames", "AutoScalingGroups.AutoScalingGroupARN"
        ),
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling",
    ),
)

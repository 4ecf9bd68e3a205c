"""The stand-in's apply: makes what the plan wants, in order, and says so as terraform does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from ecotui.demo.fake_terraform.create import CREATORS, Attributes, ClientFactory, CreationContext
from ecotui.demo.fake_terraform.output import TerraformOutput
from ecotui.demo.fake_terraform.plan import dependency_order
from ecotui.demo.fake_terraform.state import FakeState, split_address

_INTERRUPT_MESSAGE = (
    "\nInterrupt received.\nPlease wait for Terraform to exit or data loss may occur.\nGracefully shutting down...\n"
)


class InterruptHandler:
    """The first SIGINT lets the current resource finish; the second ends at once, as with terraform."""

    def __init__(self, output: TerraformOutput) -> None:
        self.is_requested = False
        self._output = output
        signal.signal(signal.SIGINT, self._on_sigint)

    def _on_sigint(self, number: int, frame: object) -> None:
        if self.is_requested:
            os.write(2, b"Two interrupts received. Exiting immediately. Note that data loss may have occurred.\n")
            os._exit(1)
        self.is_requested = True
        self._output.log(_INTERRUPT_MESSAGE)


def apply_plan(plan: Mapping[str, Any], state: FakeState, client: ClientFactory, output: TerraformOutput) -> int:
    """Make everything that can be made; what needs something that failed is left out. Returns the exit code."""
    changes = {change["address"]: change["change"] for change in plan["resource_changes"]}
    interrupt = InterruptHandler(output)
    context = CreationContext(client, state.resources)
    counts = {"create": 0, "update": 0, "import": 0}
    unmade: set[str] = set()
    failures: list[tuple[str, str]] = []
    for address, needs in dependency_order(plan):
        delta = changes[address]
        action = "import" if "importing" in delta else delta["actions"][0]
        if action == "no-op":
            continue
        if needs & unmade or interrupt.is_requested:
            unmade.add(address)
            continue
        started = time.monotonic()
        output.apply_start(address, action)
        failed = _apply_change(context, state, address, action, delta)
        seconds = int(time.monotonic() - started)
        if failed:
            unmade.add(address)
            failures.append((address, failed))
            output.apply_error(address, action, seconds)
            continue
        counts[action] += 1
        output.apply_complete(address, action, state.resources[address]["id"], seconds)
        state.write()
    for address, text in failures:
        output.diagnostic("error", text, address=address)
    if interrupt.is_requested:
        output.diagnostic("error", "execution halted")
    state.outputs = _output_values(plan, state)
    state.write()
    if failures or interrupt.is_requested:
        return 1
    output.summary(counts["create"], counts["update"], counts["import"], "apply")
    output.outputs(state.outputs)
    return 0


def _apply_change(
    context: CreationContext, state: FakeState, address: str, action: str, delta: Mapping[str, Any]
) -> str:
    """Make, change or adopt one resource; returns what went wrong, in the provider's words."""
    from botocore.exceptions import BotoCoreError, ClientError

    kind, name, key = split_address(address)
    doing, naming, make = CREATORS[kind]
    after = delta["after"]
    try:
        if action == "import":
            state.resources[address] = {**after, **_read_imported(context, kind, delta["importing"]["id"])}
        elif action == "update":
            _resize_instance(context, state.resources[address]["id"], after["instance_type"])
            state.resources[address] = after
        else:
            made = make(context, after, name if kind == "aws_iam_role_policy_attachment" else key)
            state.resources[address] = {**after, **made}
    except ClientError as error:
        named = f" ({after[naming]})" if naming else ""
        return f"{doing}{named}: {_format_aws_error(error)}"
    except BotoCoreError as error:
        return f"{doing}: {error}"
    return ""


# Errors that the SDK for Go knows by type: it prints them without "api error".
_TYPED_ERRORS = ("EntityAlreadyExists", "BucketAlreadyOwnedByYou", "BucketAlreadyExists", "CNAMEAlreadyExists")
_SERVICE_NAMES = {
    "iam": "IAM",
    "ec2": "EC2",
    "s3": "S3",
    "cloudfront": "CloudFront",
    "route53": "Route 53",
    "acm": "ACM",
}


def _format_aws_error(error: Any) -> str:
    """A refusal of AWS as the provider prints it."""
    answer = error.response
    code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
    metadata = answer.get("ResponseMetadata", {})
    request = metadata.get("RequestId", "")
    service = _service_name(error)
    host = f"HostID: {metadata.get('HostId', '')}, " if service == "S3" else ""
    if code == "BucketAlreadyOwnedByYou":
        message = ""
    kind = "" if code in _TYPED_ERRORS else "api error "
    return (
        f"operation error {service}: {error.operation_name}, https response error "
        f"StatusCode: {metadata.get('HTTPStatusCode', 0)}, RequestID: {request}, {host}{kind}{code}: {message}"
    )


def _service_name(error: Any) -> str:
    """Which service an operation belongs to; botocore's error does not say."""
    operation = error.operation_name
    if "CloudFront" in operation or "Distribution" in operation:
        return _SERVICE_NAMES["cloudfront"]
    if "Bucket" in operation or "PublicAccessBlock" in operation:
        return _SERVICE_NAMES["s3"]
    if operation in ("RequestCertificate", "DescribeCertificate"):
        return _SERVICE_NAMES["acm"]
    if operation == "ChangeResourceRecordSets":
        return _SERVICE_NAMES["route53"]
    iam = (
        "CreateRole",
        "CreatePolicy",
        "CreateInstanceProfile",
        "AddRoleToInstanceProfile",
        "AttachRolePolicy",
    )
    return _SERVICE_NAMES["iam" if operation in iam else "ec2"]


def _read_imported(context: CreationContext, kind: str, import_id: str) -> Attributes:
    """The attributes that others need of a resource which was there before. Raises ClientError when it is not."""
    found: Attributes = {"id": import_id}
    match kind:
        case "aws_iam_policy":
            context.client("iam").get_policy(PolicyArn=import_id)
            found["arn"] = import_id
        case "aws_iam_role":
            found["arn"] = context.client("iam").get_role(RoleName=import_id)["Role"]["Arn"]
        case "aws_iam_instance_profile":
            profile = context.client("iam").get_instance_profile(InstanceProfileName=import_id)
            found["arn"] = profile["InstanceProfile"]["Arn"]
        case "aws_key_pair":
            context.client("ec2").describe_key_pairs(KeyNames=[import_id])
        case "aws_s3_bucket":
            s3 = context.client("s3")
            s3.head_bucket(Bucket=import_id)
            region = s3.meta.region_name
            found |= {
                "arn": f"arn:aws:s3:::{import_id}",
                "bucket_regional_domain_name": f"{import_id}.s3.{region}.amazonaws.com",
            }
        case "aws_cloudfront_distribution":
            there = context.client("cloudfront").get_distribution(Id=import_id)["Distribution"]
            found |= {
                "arn": there["ARN"],
                "domain_name": there["DomainName"],
                "hosted_zone_id": "Z2FDTNDATAQYW2",
            }
    return found


def _resize_instance(context: CreationContext, identity: str, instance_type: str) -> None:
    ec2 = context.client("ec2")
    ec2.stop_instances(InstanceIds=[identity])
    ec2.modify_instance_attribute(InstanceId=identity, InstanceType={"Value": instance_type})
    ec2.start_instances(InstanceIds=[identity])


def _output_values(plan: Mapping[str, Any], state: FakeState) -> dict[str, Any]:
    """The demo project's outputs, as far as their resources are there."""
    made = state.resources
    nodes = {address: made[address] for address in sorted(made) if address.startswith("aws_instance.node[")}
    names = {address: str(split_address(address)[2]) for address in nodes}
    single = {
        "master_ip": ("aws_eip.master", "public_ip"),
        "vpc_id": ("aws_vpc.main", "id"),
        "cdn_domain": ("aws_cloudfront_distribution.images", "domain_name"),
        "images_bucket": ("aws_s3_bucket.images", "bucket"),
    }
    found: dict[str, Any] = {
        name: {"sensitive": False, "type": "string", "value": made[address][attribute]}
        for name, (address, attribute) in single.items()
        if address in made and attribute in made[address]
    }
    for name, attribute in (("node_private_ips", "private_ip"), ("node_instance_ids", "id")):
        value = {names[address]: nodes[address].get(attribute, "") for address in nodes}
        found[name] = {"sensitive": False, "type": ["object", dict.fromkeys(value, "string")], "value": value}
    return {name: found[name] for name in sorted(plan["output_changes"]) if name in found}

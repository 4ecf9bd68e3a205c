"""Status of an instance or a NAT gateway that is being created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.apply.run.why.model import CLOCK_TOLERANCE, ResourceStatus, RunningResource
from checks.finding import CheckState
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext


def instance_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """State, reason, and both status checks. Raises botocore's errors."""
    found = _find_instance(context, resource)
    if found is None:
        named = f" named {resource.name_tag}" if resource.name_tag else ""
        late = resource.elapsed > 60
        sentence = f"EC2 has no instance{named} of this run yet: RunInstances was not accepted so far."
        if late:
            sentence += " The provider tries again while a new instance profile is not known everywhere, or there is no capacity."
        return ResourceStatus(state=CheckState.WARN if late else CheckState.OK, sentence=sentence)
    id_, state = found["InstanceId"], one_line(found["State"]["Name"])
    reason = one_line((found.get("StateReason") or {}).get("Message", ""))
    facts = [
        ("instance", f"{id_}, {one_line(found.get('InstanceType', ''))}"),
        ("zone", one_line((found.get("Placement") or {}).get("AvailabilityZone", ""))),
        ("state", state),
        ("reason", reason),
    ]

    def result(status: CheckState, sentence: str) -> ResourceStatus:
        return ResourceStatus(state=status, sentence=sentence, facts=tuple(facts))

    if state in ("shutting-down", "terminated", "stopping", "stopped") and resource.action == "create":
        why = reason or "AWS gives no reason"
        return result(CheckState.BLOCKED, f"{id_} is {state}: {why}; terraform will give up on it.")
    checks = _read_status_checks(context, id_)
    facts += [("system check", checks[0]), ("instance check", checks[1])]
    if resource.action == "delete":
        return result(CheckState.OK, f"{id_} is {state}; terraform waits until it is gone.")
    if state == "pending":
        return result(CheckState.OK, f"{id_} is pending; terraform waits until EC2 calls it running.")
    if "impaired" in checks:
        return result(CheckState.WARN, f"{id_} is {state}, but a status check is impaired: nothing on it will answer.")
    waits = "terraform reads it back, or its provisioner waits for SSH"
    if resource.note:
        waits = "its provisioner works on it"
    return result(CheckState.OK, f"{id_} is {state} (status checks: {', '.join(checks)}): {waits}.")


def _find_instance(context: CheckContext, resource: RunningResource) -> dict[str, Any] | None:
    """The newest instance of this name that this run can have created."""
    filters = [{"Name": "tag:Name", "Values": [resource.name_tag]}] if resource.name_tag else []
    if kind := resource.planned_attributes.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [kind]})
    words: dict[str, Any] = {"Filters": filters} if filters else {}
    others = set(resource.created_ids.values())
    found = [
        one
        for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", **words)
        for one in reservation.get("Instances", ())
        if one["InstanceId"] not in others
        and (resource.action != "create" or one["LaunchTime"].timestamp() >= resource.started_at - CLOCK_TOLERANCE)
    ]
    return max(found, key=lambda one: one["LaunchTime"], default=None)


def _read_status_checks(context: CheckContext, id_: str) -> tuple[str, str]:
    answer = context.aws.client("ec2").describe_instance_status(InstanceIds=[id_], IncludeAllInstances=True)
    status = (answer.get("InstanceStatuses") or [{}])[0]
    return (
        one_line((status.get("SystemStatus") or {}).get("Status", "not reported yet")),
        one_line((status.get("InstanceStatus") or {}).get("Status", "not reported yet")),
    )


def nat_gateway_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """State, and why it failed. Raises botocore's errors."""
    filters = [{"Name": "tag:Name", "Values": [resource.name_tag]}] if resource.name_tag else []
    found = [
        one
        for one in context.aws.paginate("ec2", "describe_nat_gateways", "NatGateways", Filter=filters)
        if resource.action != "create" or one["CreateTime"].timestamp() >= resource.started_at - CLOCK_TOLERANCE
    ]
    if not found:
        return ResourceStatus(state=CheckState.OK, sentence="EC2 has no NAT gateway of this run yet.")
    one = max(found, key=lambda gateway: gateway["CreateTime"])
    id_, state = one["NatGatewayId"], one_line(one.get("State", ""))
    facts = (("NAT gateway", id_), ("state", state), ("subnet", one_line(one.get("SubnetId", ""))))
    if state == "failed":
        why = one_line(f"{one.get('FailureCode', '')}: {one.get('FailureMessage', '')}")
        return ResourceStatus(state=CheckState.BLOCKED, sentence=f"{id_} failed: {why}", facts=facts)
    waits = {
        "pending": "usually ready after one and a half to two minutes",
        "available": "terraform notices with its next check",
        "deleting": "usually gone after a minute",
    }
    return ResourceStatus(
        state=CheckState.OK, sentence=f"{id_} is {state}: {waits.get(state, 'AWS tells no more')}.", facts=facts
    )

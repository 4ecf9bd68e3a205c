"""What AWS shows of an instance, or of an EKS cluster or node group, that is being made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from checks.apply.run.why.model import CLOCK_TOLERANCE, ResourceStatus, RunningResource
from checks.duration import format_duration
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
        return ResourceStatus(
            state=CheckState.WARN if late else CheckState.OK,
            sentence=f"EC2 has no instance{named} of this run yet: RunInstances was not accepted so far."
            + (
                " The provider tries again while a new instance profile is not known everywhere, or there is no"
                " capacity."
                if late
                else ""
            ),
        )
    id_, state = found["InstanceId"], one_line(found["State"]["Name"])
    reason = one_line((found.get("StateReason") or {}).get("Message", ""))
    facts = [
        ("instance", f"{id_}, {one_line(found.get('InstanceType', ''))}"),
        ("zone", one_line((found.get("Placement") or {}).get("AvailabilityZone", ""))),
        ("state", state),
        ("reason", reason),
    ]
    if state in ("shutting-down", "terminated", "stopping", "stopped") and resource.action == "create":
        return ResourceStatus(
            state=CheckState.BLOCKED,
            sentence=f"{id_} is {state}: {reason or 'AWS gives no reason'}; terraform will give up on it.",
            facts=tuple(facts),
        )
    checks = _read_status_checks(context, id_)
    facts += [(label, value) for label, value in zip(("system check", "instance check"), checks, strict=True)]
    if resource.action == "delete":
        return ResourceStatus(
            state=CheckState.OK,
            sentence=f"{id_} is {state}; terraform waits until it is gone.",
            facts=tuple(facts),
        )
    if state == "pending":
        return ResourceStatus(
            state=CheckState.OK,
            sentence=f"{id_} is pending; terraform waits until EC2 calls it running.",
            facts=tuple(facts),
        )
    if "impaired" in checks:
        return ResourceStatus(
            state=CheckState.WARN,
            sentence=f"{id_} is {state}, but a status check is impaired: nothing on it will answer.",
            facts=tuple(facts),
        )
    waits = (
        "its provisioner works on it" if resource.note else "terraform reads it back, or its provisioner waits for SSH"
    )
    return ResourceStatus(
        state=CheckState.OK,
        sentence=f"{id_} is {state} (status checks: {', '.join(checks)}): {waits}.",
        facts=tuple(facts),
    )


def _find_instance(context: CheckContext, resource: RunningResource) -> dict[str, Any] | None:
    """The newest one of this name that this run can have made."""
    filters = [{"Name": "tag:Name", "Values": [resource.name_tag]}] if resource.name_tag else []
    if kind := resource.planned_attributes.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [kind]})
    asked: dict[str, Any] = {"Filters": filters} if filters else {}
    others = set(resource.created_ids.values())
    found = [
        one
        for reservation in context.aws.paginate("ec2", "describe_instances", "Reservations", **asked)
        for one in reservation.get("Instances", ())
        if one["InstanceId"] not in others
        and (resource.action != "create" or one["LaunchTime"].timestamp() >= resource.started - CLOCK_TOLERANCE)
    ]
    return max(found, key=lambda one: one["LaunchTime"], default=None)


def _read_status_checks(context: CheckContext, id_: str) -> tuple[str, str]:
    answer = context.aws.client("ec2").describe_instance_status(InstanceIds=[id_], IncludeAllInstances=True)
    told = (answer.get("InstanceStatuses") or [{}])[0]
    return (
        one_line((told.get("SystemStatus") or {}).get("Status", "not reported yet")),
        one_line((told.get("InstanceStatus") or {}).get("Status", "not reported yet")),
    )


def eks_cluster_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """Raises botocore's errors."""
    name = resource.planned_attributes.get("name", "")
    try:
        found = context.aws.client("eks").describe_cluster(name=name)["cluster"]
    except context.aws.client("eks").exceptions.ResourceNotFoundException:
        return ResourceStatus(state=CheckState.OK, sentence=f"EKS has no cluster {name} yet.")
    return _eks_status(f"The cluster {name}", found, "10 to 15 minutes are usual")


def eks_node_group_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """Raises botocore's errors."""
    cluster, name = (
        resource.planned_attributes.get("cluster_name", ""),
        resource.planned_attributes.get("node_group_name", ""),
    )
    if not (cluster and name) or "known after" in cluster:
        return ResourceStatus(
            state=CheckState.UNKNOWN, sentence="The plan does not tell the names by which EKS could be asked."
        )
    try:
        found = context.aws.client("eks").describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
    except context.aws.client("eks").exceptions.ResourceNotFoundException:
        return ResourceStatus(state=CheckState.OK, sentence=f"EKS has no node group {name} yet.")
    return _eks_status(f"The node group {name}", found, "its instances have to join")


def _eks_status(what: str, found: dict[str, Any], typical_text: str) -> ResourceStatus:
    status = one_line(found.get("status", ""))
    issues = [
        one_line(f"{one.get('code')}: {one.get('message')}") for one in (found.get("health") or {}).get("issues") or ()
    ]
    created = found.get("createdAt")
    age = format_duration(time.time() - created.timestamp()) if created else ""
    facts = (("status", status), ("begun", age and f"{age} ago"), *(("issue", issue) for issue in issues))
    if status.endswith("FAILED") or issues:
        return ResourceStatus(
            state=CheckState.BLOCKED,
            sentence=f"{what} is {status}: {issues[0] if issues else 'EKS gives no reason'}",
            facts=facts,
        )
    return ResourceStatus(state=CheckState.OK, sentence=f"{what} is {status}; {typical_text}.", facts=facts)

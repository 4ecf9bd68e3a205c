"""What AWS shows of an instance, or of an EKS cluster or node group, that is being made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from checks.apply.run.why.model import SLACK, Running, Seen
from checks.duration import span
from checks.finding import State
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import World


def instance(world: World, running: Running) -> Seen:
    """State, reason, and both status checks. Raises botocore's errors."""
    found = _instance(world, running)
    if found is None:
        named = f" named {running.name}" if running.name else ""
        late = running.elapsed > 60
        return Seen(
            state=State.WARN if late else State.OK,
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
    if state in ("shutting-down", "terminated", "stopping", "stopped") and running.action == "create":
        return Seen(
            state=State.BLOCKED,
            sentence=f"{id_} is {state}: {reason or 'AWS gives no reason'}; terraform will give up on it.",
            facts=tuple(facts),
        )
    checks = _status_checks(world, id_)
    facts += [(label, value) for label, value in zip(("system check", "instance check"), checks, strict=True)]
    if running.action == "delete":
        return Seen(
            state=State.OK,
            sentence=f"{id_} is {state}; terraform waits until it is gone.",
            facts=tuple(facts),
        )
    if state == "pending":
        return Seen(
            state=State.OK,
            sentence=f"{id_} is pending; terraform waits until EC2 calls it running.",
            facts=tuple(facts),
        )
    if "impaired" in checks:
        return Seen(
            state=State.WARN,
            sentence=f"{id_} is {state}, but a status check is impaired: nothing on it will answer.",
            facts=tuple(facts),
        )
    waits = (
        "its provisioner works on it"
        if running.note
        else "terraform reads it back, or its provisioner waits for SSH"
    )
    return Seen(
        state=State.OK,
        sentence=f"{id_} is {state} (status checks: {', '.join(checks)}): {waits}.",
        facts=tuple(facts),
    )


def _instance(world: World, running: Running) -> dict[str, Any] | None:
    """The newest one of this name that this run can have made."""
    filters = [{"Name": "tag:Name", "Values": [running.name]}] if running.name else []
    if kind := running.planned.get("instance_type"):
        filters.append({"Name": "instance-type", "Values": [kind]})
    asked: dict[str, Any] = {"Filters": filters} if filters else {}
    others = set(running.made.values())
    found = [
        one
        for reservation in world.aws.paginate("ec2", "describe_instances", "Reservations", **asked)
        for one in reservation.get("Instances", ())
        if one["InstanceId"] not in others
        and (running.action != "create" or one["LaunchTime"].timestamp() >= running.started - SLACK)
    ]
    return max(found, key=lambda one: one["LaunchTime"], default=None)


def _status_checks(world: World, id_: str) -> tuple[str, str]:
    answer = world.aws.client("ec2").describe_instance_status(InstanceIds=[id_], IncludeAllInstances=True)
    told = (answer.get("InstanceStatuses") or [{}])[0]
    return (
        one_line((told.get("SystemStatus") or {}).get("Status", "not reported yet")),
        one_line((told.get("InstanceStatus") or {}).get("Status", "not reported yet")),
    )


def eks_cluster(world: World, running: Running) -> Seen:
    """Raises botocore's errors."""
    name = running.planned.get("name", "")
    try:
        found = world.aws.client("eks").describe_cluster(name=name)["cluster"]
    except world.aws.client("eks").exceptions.ResourceNotFoundException:
        return Seen(state=State.OK, sentence=f"EKS has no cluster {name} yet.")
    return _eks(f"The cluster {name}", found, "10 to 15 minutes are usual")


def eks_node_group(world: World, running: Running) -> Seen:
    """Raises botocore's errors."""
    cluster, name = running.planned.get("cluster_name", ""), running.planned.get("node_group_name", "")
    if not (cluster and name) or "known after" in cluster:
        return Seen(
            state=State.UNKNOWN, sentence="The plan does not tell the names by which EKS could be asked."
        )
    try:
        found = world.aws.client("eks").describe_nodegroup(clusterName=cluster, nodegroupName=name)[
            "nodegroup"
        ]
    except world.aws.client("eks").exceptions.ResourceNotFoundException:
        return Seen(state=State.OK, sentence=f"EKS has no node group {name} yet.")
    return _eks(f"The node group {name}", found, "its instances have to join")


def _eks(what: str, found: dict[str, Any], usual: str) -> Seen:
    status = one_line(found.get("status", ""))
    issues = [
        one_line(f"{one.get('code')}: {one.get('message')}")
        for one in (found.get("health") or {}).get("issues") or ()
    ]
    created = found.get("createdAt")
    age = span(time.time() - created.timestamp()) if created else ""
    facts = (("status", status), ("begun", age and f"{age} ago"), *(("issue", issue) for issue in issues))
    if status.endswith("FAILED") or issues:
        return Seen(
            state=State.BLOCKED,
            sentence=f"{what} is {status}: {issues[0] if issues else 'EKS gives no reason'}",
            facts=facts,
        )
    return Seen(state=State.OK, sentence=f"{what} is {status}; {usual}.", facts=facts)

"""Status of an EKS cluster or node group that is being created."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from checks.apply.run.why.model import ResourceStatus, RunningResource
from checks.duration import format_duration
from checks.finding import CheckState
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext


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
            state=CheckState.UNKNOWN, sentence="The plan does not have the names by which EKS could be asked."
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

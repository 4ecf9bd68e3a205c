"""Names in services that a cluster's project often brings along: queues, streams, builds, firewalls, file systems."""

from __future__ import annotations

from typing import Any

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource, describe_by_name
from checks.aws.errors import is_not_found

_SQS_ATTRIBUTES = {
    "delay_seconds": "DelaySeconds",
    "max_message_size": "MaximumMessageSize",
    "message_retention_seconds": "MessageRetentionPeriod",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "policy": "Policy",
    "redrive_policy": "RedrivePolicy",
    "kms_master_key_id": "KmsMasterKeyId",
}
"""SQS gives an existing queue back to a CreateQueue that asks for the same attributes; it refuses any other."""


def _find_queue(query: CollisionQuery) -> ExistingResource | None:
    client = query.client("sqs")
    try:
        url = client.get_queue_url(QueueName=query.name)["QueueUrl"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    has: dict[str, str] = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
    wanted = query.planned.after
    different = sorted(
        theirs
        for ours, theirs in _SQS_ATTRIBUTES.items()
        if wanted.get(ours) is not None and str(wanted[ours]) != has.get(theirs, "")
    )
    if not different:
        return None
    return ExistingResource(id=f"{has.get('QueueArn', url)}, with another {', '.join(different)}", import_id=url)


def _find_state_machine(query: CollisionQuery) -> ExistingResource | None:
    for one in query.list_items("stepfunctions", "list_state_machines", "stateMachines"):
        if one["name"] == query.name:
            return ExistingResource(id=one["stateMachineArn"], import_id=one["stateMachineArn"])
    return None


def _find_backup_vault(query: CollisionQuery) -> ExistingResource | None:
    # By listing: a look at a vault that is not there is answered with AccessDenied.
    for one in query.list_items("backup", "list_backup_vaults", "BackupVaultList"):
        if one["BackupVaultName"] == query.name:
            return ExistingResource(id=one["BackupVaultArn"], import_id=query.name)
    return None


def _waf_resource(query: CollisionQuery, items: list[dict[str, Any]], scope: str) -> ExistingResource | None:
    found = next((one for one in items if one["Name"] == query.name), None)
    return ExistingResource(id=found["ARN"], import_id=f"{found['Id']}/{query.name}/{scope}") if found else None


def _find_web_acl(query: CollisionQuery) -> ExistingResource | None:
    scope = query.planned.known_text("scope") or "REGIONAL"
    listed = query.client("wafv2").list_web_acls(Scope=scope, Limit=100)
    return _waf_resource(query, listed["WebACLs"], scope)


def _find_ip_set(query: CollisionQuery) -> ExistingResource | None:
    scope = query.planned.known_text("scope") or "REGIONAL"
    listed = query.client("wafv2").list_ip_sets(Scope=scope, Limit=100)
    return _waf_resource(query, listed["IPSets"], scope)


def _find_node_group(query: CollisionQuery) -> ExistingResource | None:
    return _find_in_cluster(query, "describe_nodegroup", "nodegroupName", "nodegroup", "nodegroupArn")


def _find_addon(query: CollisionQuery) -> ExistingResource | None:
    return _find_in_cluster(query, "describe_addon", "addonName", "addon", "addonArn")


def _find_in_cluster(
    query: CollisionQuery, operation: str, parameter: str, key: str, arn: str
) -> ExistingResource | None:
    cluster = query.planned.known_text("cluster_name")
    if cluster is None:
        return None
    try:
        found = getattr(query.client("eks"), operation)(clusterName=cluster, **{parameter: query.name})[key]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found.get(arn, query.name), import_id=f"{cluster}:{query.name}")


_find_classic_load_balancer = describe_by_name(
    "elb",
    "describe_load_balancers",
    "LoadBalancerNames",
    "LoadBalancerDescriptions.LoadBalancerName",
)
_find_kinesis_stream = describe_by_name(
    "kinesis",
    "describe_stream_summary",
    "StreamName",
    "StreamDescriptionSummary.StreamARN",
)
_find_opensearch_domain = describe_by_name("opensearch", "describe_domain", "DomainName", "DomainStatus.ARN")
_find_efs_file_system = describe_by_name(
    "efs",
    "describe_file_systems",
    "CreationToken",
    "FileSystems.FileSystemArn",
    import_id_path="FileSystems.FileSystemId",
)
_find_cloudformation_stack = describe_by_name(
    "cloudformation", "describe_stacks", "StackName", "Stacks.StackId", "ValidationError"
)
_find_ssm_document = describe_by_name(
    "ssm", "describe_document", "Name", "Document.Name", "InvalidDocument", "InvalidDocumentOperation"
)


def _find_codebuild_project(query: CollisionQuery) -> ExistingResource | None:
    names = query.list_items("codebuild", "list_projects", "projects")
    return ExistingResource(id=query.name, import_id=query.name) if query.name in names else None


def _find_trail(query: CollisionQuery) -> ExistingResource | None:
    found = query.client("cloudtrail").describe_trails(trailNameList=[query.name])["trailList"]
    return ExistingResource(id=(arn := found[0]["TrailARN"]), import_id=arn) if found else None


KINDS = (
    CollisionKind(
        type="aws_elb",
        find_existing=_find_classic_load_balancer,
        action="elasticloadbalancing:DescribeLoadBalancers",
        service="elb",
    ),
    CollisionKind(type="aws_sqs_queue", find_existing=_find_queue, action="sqs:GetQueueUrl", service="sqs"),
    CollisionKind(
        type="aws_sfn_state_machine",
        find_existing=_find_state_machine,
        action="states:ListStateMachines",
        service="stepfunctions",
    ),
    CollisionKind(
        type="aws_kinesis_stream",
        find_existing=_find_kinesis_stream,
        action="kinesis:DescribeStreamSummary",
        service="kinesis",
    ),
    CollisionKind(
        type="aws_opensearch_domain",
        find_existing=_find_opensearch_domain,
        action="es:DescribeDomain",
        service="opensearch",
        attribute="domain_name",
    ),
    CollisionKind(
        type="aws_efs_file_system",
        find_existing=_find_efs_file_system,
        action="elasticfilesystem:DescribeFileSystems",
        service="efs",
        attribute="creation_token",
    ),
    CollisionKind(
        type="aws_cloudformation_stack",
        find_existing=_find_cloudformation_stack,
        action="cloudformation:DescribeStacks",
        service="cloudformation",
    ),
    CollisionKind(
        type="aws_codebuild_project",
        find_existing=_find_codebuild_project,
        action="codebuild:ListProjects",
        service="codebuild",
    ),
    CollisionKind(
        type="aws_backup_vault", find_existing=_find_backup_vault, action="backup:ListBackupVaults", service="backup"
    ),
    CollisionKind(
        type="aws_ssm_document", find_existing=_find_ssm_document, action="ssm:DescribeDocument", service="ssm"
    ),
    CollisionKind(
        type="aws_cloudtrail", find_existing=_find_trail, action="cloudtrail:DescribeTrails", service="cloudtrail"
    ),
    CollisionKind(type="aws_wafv2_web_acl", find_existing=_find_web_acl, action="wafv2:ListWebACLs", service="wafv2"),
    CollisionKind(type="aws_wafv2_ip_set", find_existing=_find_ip_set, action="wafv2:ListIPSets", service="wafv2"),
    CollisionKind(
        type="aws_eks_node_group",
        find_existing=_find_node_group,
        action="eks:DescribeNodegroup",
        service="eks",
        attribute="node_group_name",
        scope=("cluster_name", "aws_eks_cluster"),
    ),
    CollisionKind(
        type="aws_eks_addon",
        find_existing=_find_addon,
        action="eks:DescribeAddon",
        service="eks",
        attribute="addon_name",
        scope=("cluster_name", "aws_eks_cluster"),
    ),
)

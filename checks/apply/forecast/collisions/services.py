"""Names in services that a cluster's project often brings along: queues, streams, builds, firewalls, file systems."""

from __future__ import annotations

from typing import Any

from checks.apply.forecast.collisions.collision import Existing, Kind, Question, absent, described

_SQS_COMPARED = {
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


def _queue(ask: Question) -> Existing | None:
    client = ask.client("sqs")
    try:
        url = client.get_queue_url(QueueName=ask.name)["QueueUrl"]
    except Exception as error:
        if absent(error, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
            return None
        raise
    has: dict[str, str] = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get(
        "Attributes", {}
    )
    wanted = ask.planned.after
    different = sorted(
        theirs
        for ours, theirs in _SQS_COMPARED.items()
        if wanted.get(ours) is not None and str(wanted[ours]) != has.get(theirs, "")
    )
    if not different:
        return None
    return Existing(id=f"{has.get('QueueArn', url)}, with another {', '.join(different)}", import_id=url)


def _state_machine(ask: Question) -> Existing | None:
    for one in ask.items("stepfunctions", "list_state_machines", "stateMachines"):
        if one["name"] == ask.name:
            return Existing(id=one["stateMachineArn"], import_id=one["stateMachineArn"])
    return None


def _vault(ask: Question) -> Existing | None:
    # By listing: a look at a vault that is not there is answered with AccessDenied.
    for one in ask.items("backup", "list_backup_vaults", "BackupVaultList"):
        if one["BackupVaultName"] == ask.name:
            return Existing(id=one["BackupVaultArn"], import_id=ask.name)
    return None


def _firewall(ask: Question, listed: list[dict[str, Any]], scope: str) -> Existing | None:
    found = next((one for one in listed if one["Name"] == ask.name), None)
    return Existing(id=found["ARN"], import_id=f"{found['Id']}/{ask.name}/{scope}") if found else None


def _web_acl(ask: Question) -> Existing | None:
    scope = ask.planned.value("scope") or "REGIONAL"
    listed = ask.client("wafv2").list_web_acls(Scope=scope, Limit=100)
    return _firewall(ask, listed["WebACLs"], scope)


def _ip_set(ask: Question) -> Existing | None:
    scope = ask.planned.value("scope") or "REGIONAL"
    listed = ask.client("wafv2").list_ip_sets(Scope=scope, Limit=100)
    return _firewall(ask, listed["IPSets"], scope)


def _node_group(ask: Question) -> Existing | None:
    return _in_cluster(ask, "describe_nodegroup", "nodegroupName", "nodegroup", "nodegroupArn")


def _addon(ask: Question) -> Existing | None:
    return _in_cluster(ask, "describe_addon", "addonName", "addon", "addonArn")


def _in_cluster(ask: Question, operation: str, parameter: str, key: str, arn: str) -> Existing | None:
    cluster = ask.planned.value("cluster_name")
    if cluster is None:
        return None
    try:
        found = getattr(ask.client("eks"), operation)(clusterName=cluster, **{parameter: ask.name})[key]
    except Exception as error:
        if absent(error, "ResourceNotFoundException"):
            return None
        raise
    return Existing(id=found.get(arn, ask.name), import_id=f"{cluster}:{ask.name}")


_LOAD_BALANCER = described(
    "elb",
    "describe_load_balancers",
    "LoadBalancerNames",
    "LoadBalancerDescriptions.LoadBalancerName",
    "LoadBalancerNotFound",
    "AccessPointNotFound",
)
_STREAM = described(
    "kinesis",
    "describe_stream_summary",
    "StreamName",
    "StreamDescriptionSummary.StreamARN",
    "ResourceNotFoundException",
)
_DOMAIN = described(
    "opensearch", "describe_domain", "DomainName", "DomainStatus.ARN", "ResourceNotFoundException"
)
_FILE_SYSTEM = described(
    "efs",
    "describe_file_systems",
    "CreationToken",
    "FileSystems.FileSystemArn",
    "FileSystemNotFound",
    import_by="FileSystems.FileSystemId",
)
_STACK = described("cloudformation", "describe_stacks", "StackName", "Stacks.StackId", "ValidationError")
_DOCUMENT = described(
    "ssm", "describe_document", "Name", "Document.Name", "InvalidDocument", "InvalidDocumentOperation"
)


def _build(ask: Question) -> Existing | None:
    names = ask.items("codebuild", "list_projects", "projects")
    return Existing(id=ask.name, import_id=ask.name) if ask.name in names else None


def _trail(ask: Question) -> Existing | None:
    found = ask.client("cloudtrail").describe_trails(trailNameList=[ask.name])["trailList"]
    return Existing(id=(arn := found[0]["TrailARN"]), import_id=arn) if found else None


KINDS = (
    Kind(
        type="aws_elb",
        find=_LOAD_BALANCER,
        action="elasticloadbalancing:DescribeLoadBalancers",
        service="elb",
    ),
    Kind(type="aws_sqs_queue", find=_queue, action="sqs:GetQueueUrl", service="sqs"),
    Kind(
        type="aws_sfn_state_machine",
        find=_state_machine,
        action="states:ListStateMachines",
        service="stepfunctions",
    ),
    Kind(type="aws_kinesis_stream", find=_STREAM, action="kinesis:DescribeStreamSummary", service="kinesis"),
    Kind(
        type="aws_opensearch_domain",
        find=_DOMAIN,
        action="es:DescribeDomain",
        service="opensearch",
        attribute="domain_name",
    ),
    Kind(
        type="aws_efs_file_system",
        find=_FILE_SYSTEM,
        action="elasticfilesystem:DescribeFileSystems",
        service="efs",
        attribute="creation_token",
    ),
    Kind(
        type="aws_cloudformation_stack",
        find=_STACK,
        action="cloudformation:DescribeStacks",
        service="cloudformation",
    ),
    Kind(
        type="aws_codebuild_project",
        find=_build,
        action="codebuild:ListProjects",
        service="codebuild",
    ),
    Kind(type="aws_backup_vault", find=_vault, action="backup:ListBackupVaults", service="backup"),
    Kind(type="aws_ssm_document", find=_DOCUMENT, action="ssm:DescribeDocument", service="ssm"),
    Kind(type="aws_cloudtrail", find=_trail, action="cloudtrail:DescribeTrails", service="cloudtrail"),
    Kind(type="aws_wafv2_web_acl", find=_web_acl, action="wafv2:ListWebACLs", service="wafv2"),
    Kind(type="aws_wafv2_ip_set", find=_ip_set, action="wafv2:ListIPSets", service="wafv2"),
    Kind(
        type="aws_eks_node_group",
        find=_node_group,
        action="eks:DescribeNodegroup",
        service="eks",
        attribute="node_group_name",
        within=("cluster_name", "aws_eks_cluster"),
    ),
    Kind(
        type="aws_eks_addon",
        find=_addon,
        action="eks:DescribeAddon",
        service="eks",
        attribute="addon_name",
        within=("cluster_name", "aws_eks_cluster"),
    ),
)

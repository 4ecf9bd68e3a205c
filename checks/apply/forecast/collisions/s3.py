"""Names of things that keep data: buckets, tables, repositories, logs, parameters, secrets."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource
from checks.apply.plan.model import PlannedChange
from checks.aws.errors import aws_error_code, is_denied, is_not_found


def _find_bucket(query: CollisionQuery) -> ExistingResource | None:
    # Names are unique in the world: whether one is taken says the name itself, whose it is the listing.
    arn = f"arn:aws:s3:::{query.name}"
    try:
        query.client("s3").head_bucket(Bucket=query.name)
    except Exception as error:
        if is_not_found(error):
            return None
        # Any other answer comes from a bucket that is there.
        if not is_denied(error) and aws_error_code(error) not in ("301", "PermanentRedirect", "400"):
            raise
    ours = any(bucket["Name"] == query.name for bucket in query.list_items("s3", "list_buckets", "Buckets"))
    return (
        ExistingResource(id=arn, import_id=query.name) if ours else ExistingResource(id=arn, import_id="", is_own=False)
    )


def _find_table(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("dynamodb").describe_table(TableName=query.name)["Table"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found["TableArn"], import_id=query.name)


def _find_repository(query: CollisionQuery) -> ExistingResource | None:
    try:
        found = query.client("ecr").describe_repositories(repositoryNames=[query.name])["repositories"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return ExistingResource(id=found[0]["repositoryArn"], import_id=query.name) if found else None


def _find_log_group(query: CollisionQuery) -> ExistingResource | None:
    groups = query.list_items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=query.name)
    found = next((group for group in groups if group["logGroupName"] == query.name), None)
    return ExistingResource(id=found.get("arn", query.name), import_id=query.name) if found else None


def _find_parameter(query: CollisionQuery) -> ExistingResource | None:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [query.name]}]
    found = query.list_items("ssm", "describe_parameters", "Parameters", ParameterFilters=filters)
    return ExistingResource(id=found[0].get("ARN") or query.name, import_id=query.name) if found else None


def _can_parameter_collide(planned: PlannedChange) -> bool:
    return planned.after.get("overwrite") is not True


def _find_secret(query: CollisionQuery) -> ExistingResource | None:
    # A deleted secret keeps its name for 7 to 30 days; describe_secret finds it, and so does the creation.
    try:
        found = query.client("secretsmanager").describe_secret(SecretId=query.name)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    if not found.get("DeletedDate"):
        return ExistingResource(id=found["ARN"], import_id=found["ARN"])
    return ExistingResource(
        id=f"{found['ARN']} (scheduled for deletion)",
        import_id="",
        restore=("aws", "secretsmanager", "restore-secret", "--secret-id", query.name),
    )


def _find_key_alias(query: CollisionQuery) -> ExistingResource | None:
    aliases = query.list_items("kms", "list_aliases", "Aliases")
    found = next((alias for alias in aliases if alias["AliasName"] == query.name), None)
    return ExistingResource(id=found["AliasArn"], import_id=query.name) if found else None


KINDS = (
    CollisionKind(
        type="aws_s3_bucket",
        find_existing=_find_bucket,
        action="s3:ListAllMyBuckets",
        service="s3",
        attribute="bucket",
        guide=("4.2",),
        is_global=True,
    ),
    CollisionKind(
        type="aws_dynamodb_table", find_existing=_find_table, action="dynamodb:DescribeTable", service="dynamodb"
    ),
    CollisionKind(
        type="aws_ecr_repository", find_existing=_find_repository, action="ecr:DescribeRepositories", service="ecr"
    ),
    CollisionKind(
        type="aws_cloudwatch_log_group", find_existing=_find_log_group, action="logs:DescribeLogGroups", service="logs"
    ),
    CollisionKind(
        type="aws_ssm_parameter",
        find_existing=_find_parameter,
        action="ssm:DescribeParameters",
        service="ssm",
        can_collide=_can_parameter_collide,
    ),
    CollisionKind(
        type="aws_secretsmanager_secret",
        find_existing=_find_secret,
        action="secretsmanager:DescribeSecret",
        service="secretsmanager",
    ),
    CollisionKind(type="aws_kms_alias", find_existing=_find_key_alias, action="kms:ListAliases", service="kms"),
)

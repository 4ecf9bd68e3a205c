"""Names of things that keep data: buckets, tables, repositories, logs, parameters, secrets."""

from __future__ import annotations

from checks.apply.forecast.collisions.collision import Existing, Kind, Question, absent, code_of
from checks.apply.plan.model import Planned


def _bucket(ask: Question) -> Existing | None:
    # Names are unique in the world: whether one is taken says the name itself, whose it is the listing.
    arn = f"arn:aws:s3:::{ask.name}"
    try:
        ask.client("s3").head_bucket(Bucket=ask.name)
    except Exception as error:
        if absent(error, "404", "NoSuchBucket", "NotFound"):
            return None
        # Any other answer comes from a bucket that is there.
        if code_of(error) not in ("403", "301", "AccessDenied", "Forbidden", "PermanentRedirect", "400"):
            raise
    ours = any(bucket["Name"] == ask.name for bucket in ask.items("s3", "list_buckets", "Buckets"))
    return Existing(id=arn, import_id=ask.name) if ours else Existing(id=arn, import_id="", ours=False)


def _table(ask: Question) -> Existing | None:
    try:
        found = ask.client("dynamodb").describe_table(TableName=ask.name)["Table"]
    except Exception as error:
        if absent(error, "ResourceNotFoundException"):
            return None
        raise
    return Existing(id=found["TableArn"], import_id=ask.name)


def _repository(ask: Question) -> Existing | None:
    try:
        found = ask.client("ecr").describe_repositories(repositoryNames=[ask.name])["repositories"]
    except Exception as error:
        if absent(error, "RepositoryNotFoundException"):
            return None
        raise
    return Existing(id=found[0]["repositoryArn"], import_id=ask.name) if found else None


def _log_group(ask: Question) -> Existing | None:
    groups = ask.items("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=ask.name)
    found = next((group for group in groups if group["logGroupName"] == ask.name), None)
    return Existing(id=found.get("arn", ask.name), import_id=ask.name) if found else None


def _parameter(ask: Question) -> Existing | None:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [ask.name]}]
    found = ask.items("ssm", "describe_parameters", "Parameters", ParameterFilters=filters)
    return Existing(id=found[0].get("ARN") or ask.name, import_id=ask.name) if found else None


def _may_not_overwrite(planned: Planned) -> bool:
    return planned.after.get("overwrite") is not True


def _secret(ask: Question) -> Existing | None:
    # A deleted secret keeps its name for 7 to 30 days; describe_secret finds it, and so does the creation.
    try:
        found = ask.client("secretsmanager").describe_secret(SecretId=ask.name)
    except Exception as error:
        if absent(error, "ResourceNotFoundException"):
            return None
        raise
    if not found.get("DeletedDate"):
        return Existing(id=found["ARN"], import_id=found["ARN"])
    return Existing(
        id=f"{found['ARN']} (scheduled for deletion)",
        import_id="",
        restore=("aws", "secretsmanager", "restore-secret", "--secret-id", ask.name),
    )


def _key_alias(ask: Question) -> Existing | None:
    aliases = ask.items("kms", "list_aliases", "Aliases")
    found = next((alias for alias in aliases if alias["AliasName"] == ask.name), None)
    return Existing(id=found["AliasArn"], import_id=ask.name) if found else None


KINDS = (
    Kind(
        type="aws_s3_bucket",
        find=_bucket,
        action="s3:ListAllMyBuckets",
        service="s3",
        attribute="bucket",
        guide=("4.2",),
        worldwide=True,
    ),
    Kind(type="aws_dynamodb_table", find=_table, action="dynamodb:DescribeTable", service="dynamodb"),
    Kind(type="aws_ecr_repository", find=_repository, action="ecr:DescribeRepositories", service="ecr"),
    Kind(type="aws_cloudwatch_log_group", find=_log_group, action="logs:DescribeLogGroups", service="logs"),
    Kind(
        type="aws_ssm_parameter",
        find=_parameter,
        action="ssm:DescribeParameters",
        service="ssm",
        applies=_may_not_overwrite,
    ),
    Kind(
        type="aws_secretsmanager_secret",
        find=_secret,
        action="secretsmanager:DescribeSecret",
        service="secretsmanager",
    ),
    Kind(type="aws_kms_alias", find=_key_alias, action="kms:ListAliases", service="kms"),
)

"""Names of things that keep data: buckets, tables, repositories, logs, parameters, secrets, databases."""

from __future__ import annotations

from checks.apply.collisions import Existing, Kind, Question, absent, code_of
from checks.apply.plan import Planned


def _bucket(ask: Question) -> Existing | None:
    # Ours, by the listing; else somebody's, when the name answers at all. Names are unique in the world.
    client = ask.client("s3")
    if any(bucket["Name"] == ask.name for bucket in client.list_buckets()["Buckets"]):
        return Existing(id=f"arn:aws:s3:::{ask.name}", import_id=ask.name)
    try:
        client.head_bucket(Bucket=ask.name)
    except Exception as error:
        if absent(error, "404", "NoSuchBucket", "NotFound"):
            return None
        # Not in our list, and yet it answers: whatever it says, the name is taken by another account.
        if code_of(error) not in ("403", "301", "AccessDenied", "Forbidden", "PermanentRedirect", "400"):
            raise
    return Existing(id=f"arn:aws:s3:::{ask.name}", import_id="", ours=False)


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
    deleted = " (scheduled for deletion)" if found.get("DeletedDate") else ""
    return Existing(id=f"{found['ARN']}{deleted}", import_id=found["ARN"])


def _key_alias(ask: Question) -> Existing | None:
    aliases = ask.items("kms", "list_aliases", "Aliases")
    found = next((alias for alias in aliases if alias["AliasName"] == ask.name), None)
    return Existing(id=found["AliasArn"], import_id=ask.name) if found else None


def _database(ask: Question) -> Existing | None:
    try:
        found = ask.client("rds").describe_db_instances(DBInstanceIdentifier=ask.name)["DBInstances"]
    except Exception as error:
        if absent(error, "DBInstanceNotFound", "DBInstanceNotFoundFault"):
            return None
        raise
    return Existing(id=found[0]["DBInstanceArn"], import_id=ask.name) if found else None


def _subnet_group(ask: Question) -> Existing | None:
    try:
        found = ask.client("rds").describe_db_subnet_groups(DBSubnetGroupName=ask.name)["DBSubnetGroups"]
    except Exception as error:
        if absent(error, "DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound"):
            return None
        raise
    return Existing(id=found[0].get("DBSubnetGroupArn", ask.name), import_id=ask.name) if found else None


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
    Kind(
        type="aws_db_instance",
        find=_database,
        action="rds:DescribeDBInstances",
        service="rds",
        attribute="identifier",
    ),
    Kind(type="aws_db_subnet_group", find=_subnet_group, action="rds:DescribeDBSubnetGroups", service="rds"),
)

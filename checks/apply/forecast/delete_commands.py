"""How a thing whose name is in the way is deleted by hand, where the cleanup step does not know its kind. Pure.

Only what holds no data, or what AWS itself refuses to delete while it does, is here; a database is not.
"""

from __future__ import annotations

import shlex

from checks.apply.forecast.model import Collision

DELETE_COMMANDS = {
    "aws_autoscaling_group": "autoscaling delete-auto-scaling-group --auto-scaling-group-name {name}",
    "aws_cloudformation_stack": "cloudformation delete-stack --stack-name {name}",
    "aws_codebuild_project": "codebuild delete-project --name {name}",
    "aws_db_parameter_group": "rds delete-db-parameter-group --db-parameter-group-name {name}",
    "aws_db_subnet_group": "rds delete-db-subnet-group --db-subnet-group-name {name}",
    "aws_ecr_repository": "ecr delete-repository --repository-name {name}",
    "aws_eks_cluster": "eks delete-cluster --name {name}",
    "aws_elasticache_subnet_group": "elasticache delete-cache-subnet-group --cache-subnet-group-name {name}",
    "aws_iam_group": "iam delete-group --group-name {name}",
    "aws_iam_server_certificate": "iam delete-server-certificate --server-certificate-name {name}",
    "aws_iam_user": "iam delete-user --user-name {name}",
    "aws_kms_alias": "kms delete-alias --alias-name {name}",
    "aws_lambda_function": "lambda delete-function --function-name {name}",
    "aws_sfn_state_machine": "stepfunctions delete-state-machine --state-machine-arn {id}",
    "aws_sqs_queue": "sqs delete-queue --queue-url {id}",
    "aws_ssm_document": "ssm delete-document --name {name}",
}
"""The aws command's words by terraform type; `{name}`, or `{id}`: what terraform would import."""


def delete_command(collision: Collision) -> str:
    """A line for a shell; empty where none is known."""
    words = DELETE_COMMANDS.get(collision.type)
    if words is None or not collision.import_id:
        return ""
    # By its import id: a name of another case is written there as AWS has it.
    name = collision.name if collision.import_id.startswith(("arn:", "https:")) else collision.import_id
    filled = words.format(name=shlex.quote(name), id=shlex.quote(collision.import_id))
    region = collision.existing.split(":")[3] if collision.existing.startswith("arn:") else ""
    return f"aws {filled}{f' --region {region}' if region else ''}"

"""`ecotui check` of all steps beside the same questions, asked with aws, gh, terraform and kubectl one after the other."""

from __future__ import annotations

import json
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .table import Row

RUNS = 5

FIRST = """
terraform version -json
gh --version
kubectl version --client -o json
aws --version
aws sts get-caller-identity
aws iam list-account-aliases
aws service-quotas get-service-quota --service-code ec2 --quota-code L-1216C47A
aws service-quotas get-service-quota --service-code ec2 --quota-code L-0263D0A3
aws service-quotas get-service-quota --service-code vpc --quota-code L-F678F1CE
aws service-quotas list-requested-service-quota-change-history-by-quota --service-code ec2 --quota-code L-1216C47A
aws service-quotas list-requested-service-quota-change-history-by-quota --service-code ec2 --quota-code L-0263D0A3
aws service-quotas list-requested-service-quota-change-history-by-quota --service-code vpc --quota-code L-F678F1CE
aws ec2 describe-instance-types --instance-types t3a.large t3a.medium
aws ec2 describe-instances
aws ec2 describe-addresses
aws ec2 describe-vpcs
gh api -i user --silent
gh api repos/eco-team/backend
gh api repos/eco-team/backend/actions/secrets
aws ec2 describe-key-pairs
aws ec2 describe-volumes
aws ec2 describe-security-groups
aws acm list-certificates
aws acm list-certificates --region us-east-1
aws cloudfront list-distributions
aws cloudfront list-cloud-front-origin-access-identities
aws iam list-policies --scope Local
aws iam list-roles
aws iam list-instance-profiles
aws route53 list-hosted-zones
aws s3api list-buckets
terraform -chdir=terraform state pull
terraform -chdir=terraform validate -json
kubectl get --raw /api/v1/nodes
kubectl get --raw /api/v1/pods
kubectl get --raw /api/v1/services
"""
"""Each question once, also where two steps ask it. An operator who types them would need longer still."""

SECOND = {
    "aws iam list-policies --scope Local": (
        ("Policies", "Arn"),
        ("aws iam list-policy-tags --policy-arn {}", "aws iam list-entities-for-policy --policy-arn {}"),
    ),
    "aws route53 list-hosted-zones": (
        ("HostedZones", "Id"),
        ("aws route53 list-resource-record-sets --hosted-zone-id {}",),
    ),
    "aws s3api list-buckets": (
        ("Buckets", "Name"),
        (
            "aws s3api get-bucket-location --bucket {}",
            "aws s3api get-bucket-tagging --bucket {}",
            "aws s3api list-object-versions --bucket {}",
        ),
    ),
}
"""What has to be asked of each thing that an answer names, to know whose it is."""


def measure(env: Mapping[str, str], project: Path) -> tuple[list[Row], list[str]]:
    """Rows, and notes on what was left out."""
    lines, notes = FIRST.strip().splitlines(), []
    if shutil.which("aws", path=env.get("PATH")) is None:
        lines = [line for line in lines if not line.startswith("aws ")]
        notes.append("The aws command is not installed: its questions are left out of the comparison.")
    ours = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-P", "-m", "ecotui", "check", "--json"],
            env=env,
            cwd=project,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        ours.append(time.perf_counter() - begun)
    begun, asked = time.perf_counter(), 0
    for line in lines:
        answer = _ask(line, env, project)
        asked += 1
        (key, name), templates = SECOND.get(line, (("", ""), ()))
        for thing in answer.get(key, []):
            for template in templates:
                _ask(template.format(shlex.quote(thing[name])), env, project)
                asked += 1
    theirs, check = time.perf_counter() - begun, statistics.median(ours)
    notes.append(f"One after the other: {asked} commands; which ones stands in tests/bench/asking.py.")
    return [
        Row(
            "ecotui check of all steps",
            f"{check:.1f} s (median of {RUNS})",
            f"{asked} commands, one after the other: {theirs:.1f} s",
            theirs / check,
            5,
            at_least=True,
        )
    ], notes


def _ask(line: str, env: Mapping[str, str], project: Path) -> dict[str, Any]:
    # A refusal is an answer too: before init, validate can only say so; a bucket without tags is an error to the CLI.
    ran = subprocess.run(
        shlex.split(line), env=env, cwd=project, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}

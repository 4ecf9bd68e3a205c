"""A cleanup as quick as AWS allows: against its longest chain of waits, against the bare rate of DeleteObjects, and as a
list of thousands on the screen.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .painting import ECOTUI
from .slow_s3 import BUCKET
from .table import Row
from .terminal import opened

REGION = "ap-northeast-2"
DEPLOYED, LINGERS = 60.0, 10.0
"""Seconds: a distribution until it is Deployed (AWS: 5 to 15 minutes), the interfaces of a load balancer."""
VERSIONS, PARALLEL = 100_000, 8
LEFTOVERS, KEYS = 5000, 40
TAGS = [{"Key": "Project", "Value": "eco2"}]
SETTINGS = """
project: eco2
github: {enabled: false}
quota: {limits: []}
environment: {tools: [], variables: []}
nodes: {groups: []}
aws: {region: ap-northeast-2, account_name: eco2-prod, timeout: 30}
cleanup: {tags: {Project: eco2}, names: ["eco2*"], exact: [], prefixes: []%s}
"""


def measure(small: bool = False) -> list[Row]:
    """`small`: a tenth of the waits and of the sizes, for a quick look whether it works."""
    share = 0.1 if small else 1.0
    rows = _waits(DEPLOYED * share, LINGERS * share)
    rows += _bucket(int(VERSIONS * share))
    return rows + _list(int(LEFTOVERS * share))


@contextlib.contextmanager
def _serving(module: str, *words: str) -> Iterator[str]:
    """The address of a stand-in that runs in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", f"tests.bench.{module}", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])[1:], "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)


@contextlib.contextmanager
def _project(endpoint: str, more: str = "") -> Iterator[tuple[Path, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="ecotui-bench-") as folder:
        project = Path(folder, "project")
        (project / "terraform").mkdir(parents=True)
        (project / "ecotui.yaml").write_text(SETTINGS % more)
        yield (
            project,
            {
                "PATH": os.environ["PATH"],
                "HOME": folder,
                "ECOTUI_STATE_DIR": f"{folder}/state",
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_EC2_METADATA_DISABLED": "true",
                "NO_PROXY": "127.0.0.1",
            },
        )


def _client(service: str, endpoint: str) -> Any:
    import botocore.session
    from botocore.config import Config

    return botocore.session.get_session().create_client(
        service, region_name=REGION, endpoint_url=endpoint, aws_access_key_id="t", aws_secret_access_key="t",
        config=Config(max_pool_connections=2 * PARALLEL, retries={"mode": "adaptive", "max_attempts": 20}),
    )  # fmt: skip


def _ecotui(project: Path, env: dict[str, str], *words: str) -> str:
    ran = subprocess.run(
        [*ECOTUI, "cleanup", *words],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if ran.returncode:
        raise RuntimeError(f"ecotui cleanup {' '.join(words)}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return ran.stdout


def _waits(deployed: float, lingers: float) -> list[Row]:
    """A whole deployment's leftovers, with throttling; measured from the start of the command to its last word."""
    with (
        _serving("slow_aws", f"--distribution={deployed}", f"--balancer={lingers}") as endpoint,
        _project(endpoint) as (project, env),
    ):
        made = _deployment(endpoint)
        _ecotui(project, env, "--approve-out", "list.json")
        approved = len(json.loads((project / "list.json").read_text())["items"])
        begun = time.perf_counter()
        said = _ecotui(project, env, "--delete", "--approve", "list.json", "--pause", "0")
        took = time.perf_counter() - begun
    if f"{made} of {made} gone" not in said or approved != made:
        raise RuntimeError(f"of {made} things {approved} were approved: {said[-1000:]}")
    chain = max(deployed, lingers)
    return [
        Row(
            f"cleanup of {made} leftovers, throttled",
            f"{took:.1f} s",
            f"longest chain of waits: {chain:.0f} s (CloudFront {deployed:.0f} s, load balancer {lingers:.0f} s)",
            took / chain,
            1.15,
        )
    ]


def _deployment(endpoint: str) -> int:
    """How many things it made."""
    ec2, iam, elbv2 = _client("ec2", endpoint), _client("iam", endpoint), _client("elbv2", endpoint)
    s3, cloudfront, logs = _client("s3", endpoint), _client("cloudfront", endpoint), _client("logs", endpoint)
    made = 0

    def spec(what: str) -> list[dict[str, Any]]:
        nonlocal made
        made += 1
        return [{"ResourceType": what, "Tags": TAGS}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec("vpc"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}", TagSpecifications=spec("subnet"))["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]  # fmt: skip
    gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway"))["InternetGateway"]["InternetGatewayId"]  # fmt: skip
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = ec2.create_security_group(GroupName="eco2", Description="x", VpcId=vpc, TagSpecifications=spec("security-group"))["GroupId"]  # fmt: skip
    elbv2.create_load_balancer(Name="eco2", Subnets=subnets, SecurityGroups=[group], Tags=TAGS)
    for number in range(20):
        ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=spec("volume"))
        logs.create_log_group(logGroupName=f"/eco2/{number}", tags={"Project": "eco2"})
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})  # fmt: skip
    for number in range(20):
        name = f"eco2-{number}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=TAGS)
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=TAGS)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    s3.create_bucket(Bucket="eco2-web", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket="eco2-web", Tagging={"TagSet": TAGS})
    for number in range(20):
        s3.put_object(Bucket="eco2-web", Key=str(number), Body=b"x")
    origin = {
        "Id": "s3",
        "DomainName": f"eco2-web.s3.{REGION}.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    behaviour = {"TargetOriginId": "s3", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0, "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}  # fmt: skip
    config = {"CallerReference": "bench", "Comment": "eco2", "Enabled": True, "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behaviour}  # fmt: skip
    cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": TAGS}}
    )
    return made + 20 + 40 + 3  # log groups, roles and policies; balancer, bucket and distribution


def _bucket(versions: int) -> list[Row]:
    """The whole of `ecotui cleanup --delete` of one bucket beside nothing but DeleteObjects with the ids at hand."""
    with (
        _serving("slow_aws") as endpoint,
        _serving("slow_s3", f"--versions={versions}") as storage,
        _project(endpoint, ", kinds: [s3-bucket]") as (project, env),
    ):
        env["AWS_ENDPOINT_URL_S3"] = storage
        s3 = _client("s3", storage)
        batches = [
            [{"Key": f"k{n}", "VersionId": f"v{n}"} for n in range(start, min(start + 1000, versions))]
            for start in range(0, versions, 1000)
        ]
        begun = time.perf_counter()
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(
                pool.map(
                    lambda one: s3.delete_objects(Bucket=BUCKET, Delete={"Objects": one, "Quiet": True}),
                    batches,
                )
            )
        raw = time.perf_counter() - begun
        urllib.request.urlopen(urllib.request.Request(f"{storage}/fill", method="POST"), timeout=30).close()
        _ecotui(project, env, "--approve-out", "list.json")
        begun = time.perf_counter()
        said = _ecotui(project, env, "--delete", "--approve", "list.json", "--pause", "0")
        took = time.perf_counter() - begun
        if "1 of 1 gone" not in said:
            raise RuntimeError(said[-1000:])
    return [
        Row(
            f"cleanup of a bucket of {versions:,} versions",
            f"{took:.1f} s, {versions / took:,.0f} a second",
            f"bare DeleteObjects, {PARALLEL} at once: {raw:.1f} s",
            took / raw,
            2.0,
        )
    ]


def _list(leftovers: int) -> list[Row]:
    """So many key pairs in the table of the cleanup: from a key to the first byte that it changes on the screen."""
    with (
        _serving("slow_aws", f"--keys={leftovers}") as endpoint,
        _project(endpoint, ", kinds: [key-pair]") as (project, env),
        opened(ECOTUI, env, project) as terminal,
    ):
        terminal.until(b"Cleanup", limit=60)
        for _ in range(60):
            terminal.press(b"4")
            terminal.count(2)
            if b"chosen" in terminal.seen:
                break
        else:
            raise TimeoutError(f"no list was seen; the end of what was: {bytes(terminal.seen[-500:])!r}")
        terminal.quiet(3)
        terminal.press(b"\t")
        terminal.quiet(1)
        answers = []
        for key in (b"j", b"\x1b[6~", b" ", b"k") * (KEYS // 4):
            before = len(terminal.seen)
            begun = time.perf_counter()
            terminal.press(key)
            while len(terminal.seen) == before and time.perf_counter() - begun < 10:
                terminal.read(0.5)
            answers.append(time.perf_counter() - begun)
            terminal.count(0.2)
        terminal.press(b"p")
        terminal.quiet(2)
        begun, before = time.perf_counter(), len(terminal.seen)
        terminal.press(b"a")
        while not re.search(rb"\[x\]", bytes(terminal.seen[before:])) and time.perf_counter() - begun < 30:
            terminal.read(0.5)
        everything = time.perf_counter() - begun
    return [
        Row(
            f"{leftovers:,} leftovers on the screen: a key is painted",
            f"{statistics.median(answers) * 1000:.0f} ms (median of {len(answers)})",
            "",
            statistics.median(answers),
            0.1,
            unit=" s",
        ),
        Row("  the slowest of them", f"{max(answers) * 1000:.0f} ms", "", max(answers), 1.0, unit=" s"),
        Row(
            "  all of them chosen or left with one key",
            f"{everything * 1000:.0f} ms",
            "",
            everything,
            1.5,
            unit=" s",
        ),
    ]

"""A project of terraform's own, applied for real: a folder, an account on loopback, and the ecotui that works on both."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks.apply.forecast import import_blocks
from ecotui.demo.provider_mirror import find_mirror, write_cli_config
from support import DATA

PROJECT = DATA / "terraform" / "leftovers"
MOTO = "from ecotui.demo.aws import cloudtrail; cloudtrail.install_cloudtrail(); from moto.server import main; main()"
"""moto, with the one answer that it lacks and each forecast of a bucket asks for: it would be tried five times."""


def need(thing: object, what: str) -> None:
    """Without it there is nothing to test; on the CI machine that is a failure."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


@dataclass
class Place:
    """A project folder, an account, and the ecotui that works on both."""

    folder: Path
    env: dict[str, str]
    endpoint: str

    @property
    def state(self) -> Path:
        return self.folder / "terraform" / "terraform.tfstate"

    def ecotui(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ecotui", *words],
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def logs(self) -> list[Path]:
        found = (self.folder / "state").glob("sessions/*/commands/*/output.log")
        return sorted(found, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The fixture project, initialised once, with a moto of its own."""
    need(shutil.which("terraform"), "terraform")
    mirror = find_mirror()
    need(mirror, "a mirror with the AWS provider")
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT, folder / "terraform")
    (folder / "ecotui.yaml").write_text("project: fixture\nquota: {limits: []}\naws: {account: '123456789012'}\n")
    (folder / "home").mkdir()
    write_cli_config(folder / "terraformrc", mirror)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "ECOTUI_STATE_DIR": str(folder / "state"),
        "TF_CLI_CONFIG_FILE": str(folder / "terraformrc"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GOGC": os.environ["GOGC"],
    }
    moto = subprocess.Popen(
        [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", str(port)],
        # Without its thousands of images, which it makes anew at each reset: a busy machine takes seconds for them.
        env={
            "PATH": env["PATH"],
            "PYTHONPATH": env["PYTHONPATH"],
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Place(folder, env, endpoint)
    finally:
        # Nothing of it is worth a polite end, which takes a busy machine half a minute.
        moto.kill()
        moto.wait(timeout=30)


def client(place: Place, service: str) -> Any:
    session = boto3.Session("testing", "testing", region_name="ap-northeast-2")
    return session.client(service, endpoint_url=place.endpoint)


def emptied(place: Place) -> None:
    """The account and the state as they were before anything was applied."""
    request = urllib.request.Request(f"{place.endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
    # moto makes its EC2 anew at the first call: of several at once, all but one would find half of it.
    client(place, "ec2").describe_vpcs()
    place.state.unlink(missing_ok=True)
    (place.folder / "terraform" / import_blocks.IMPORT_FILE).unlink(missing_ok=True)


def leave_four(place: Place) -> None:
    """Of an earlier deployment whose state is lost: four of the names that the project wants."""
    iam = client(place, "iam")
    statement = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_policy(PolicyName="prod-alb-controller-policy", PolicyDocument=document)
    iam.create_role(RoleName="prod-master-role", AssumeRolePolicyDocument=document)
    client(place, "ec2").create_key_pair(KeyName="k8s-cluster-key")
    client(place, "s3").create_bucket(
        Bucket="prod-fixture-images", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )

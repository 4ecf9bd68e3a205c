"""The corrections to the Eco² guide are true: each is held against the documentation or the data that it names."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import re
from importlib import resources
from pathlib import Path

import botocore.session
import pytest

from checks.github.secrets import RESERVED_PREFIX
from ecotui.cli import main
from ecotui.guide.reading.library import load_shipped_library

AS_GIVEN = "4c5b69dfaae9c6bb4fa2783e86ec54310017a078dccac4ed6e35d807c1996613"
"""Of the Korean document, which is the team's own."""


def documented(service: str, *, operation: str = "", shape: str = "") -> str:
    model = botocore.session.get_session().get_service_model(service)
    text = model.operation_model(operation).documentation if operation else model.shape_for(shape).documentation
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def correction(entry: str, language: str = "en") -> str:
    return " ".join(load_shipped_library(language).corrections_for(entry))


def test_a_policy_is_deleted_only_without_users_groups_and_other_versions() -> None:
    text = documented("iam", operation="DeletePolicy")
    assert "detach the policy from all users, groups, and roles" in text
    assert "you must delete all the policy's versions" in text
    assert "a user or a group" in correction("2.1") and "versions other than the default" in correction("2.1")


def test_the_teams_script_takes_every_policy_with_the_projects_name_in_it() -> None:
    entry = load_shipped_library("ko").find_entry("2.1")
    assert entry is not None
    assert "contains(PolicyName, 'ecoeco')" in entry.text
    assert not re.search(r"\bread\b|confirm", entry.text)
    assert "unasked" in correction("2.1")


def test_every_size_of_t3a_that_the_entry_names_has_two_vcpus() -> None:
    # The types as AWS describes them; importing moto's own module takes seconds.
    spec = importlib.util.find_spec("moto")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "ec2" / "resources" / "instance_types.json.gz"
    types = json.loads(gzip.decompress(file.read_bytes()))
    entry = load_shipped_library("en").find_entry("3.1")
    assert entry is not None
    named = set(re.findall(r"t3a\.\w+", entry.text))
    assert named == {"t3a.micro", "t3a.small", "t3a.medium", "t3a.large"}
    assert {types[name]["VCpuInfo"]["DefaultVCpus"] for name in named} == {2}
    nodes = 1 + 6 + 2 + 4
    assert f"{nodes} nodes still need {nodes * 2}, not 16" in correction("3.1")


def test_a_request_for_more_has_the_statuses_that_are_named() -> None:
    model = botocore.session.get_session().get_service_model("service-quotas")
    statuses = set(model.shape_for("RequestStatus").enum)
    assert statuses == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", correction("3.2"))) - {"AWS"}
    assert len(statuses) > 4


def test_a_bucket_is_deleted_only_without_versions_and_markers() -> None:
    text = documented("s3", operation="DeleteBucket")
    assert "including all object versions and delete markers" in text
    assert "storage consumed by any previously uploaded parts will be freed" in documented(
        "s3", operation="AbortMultipartUpload"
    )
    for word in ("object versions", "delete markers", "multipart uploads"):
        assert word in correction("4.2")


def test_a_distribution_is_deleted_only_when_disabled_and_deployed() -> None:
    text = documented("cloudfront", shape="DeleteDistributionRequest")
    assert "change the value of Enabled to false" in text
    assert re.search(r"the value of Status is Deployed .*Submit a DELETE Distribution request", text)
    assert "disabled *and* Deployed" in correction("6.2")


def test_the_names_that_github_refuses_are_those_that_the_github_step_refuses() -> None:
    entry = load_shipped_library("en").find_entry("5.1")
    assert entry is not None
    assert f"`{RESERVED_PREFIX}USERNAME`" in entry.text
    assert f"start with `{RESERVED_PREFIX}`" in correction("5.1")


@pytest.mark.parametrize("entry", ["2.1", "3.1", "3.2", "4.2", "5.1", "6.2"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_correction_is_printed_in_both_languages_with_its_proof_and_in_json(
    entry: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for note in load_shipped_library(language).file_overlays[entry].corrections:
        assert note.ko and note.en and note.verified
    assert main(["guide", entry, "--language", language]) == 0
    printed = capsys.readouterr().out
    assert main(["guide", entry, "--language", language, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["entries"][0]["corrections"]
    assert said == list(load_shipped_library(language).corrections_for(entry))
    assert all(f"> Correction: {one}" in printed for one in said)
    assert printed.count("> Verified by: ") == len(said)


def test_the_teams_document_is_as_it_was_given() -> None:
    source = (resources.files("config") / "guide" / "eco2.ko.md").read_bytes()
    assert hashlib.sha256(source).hexdigest() == AS_GIVEN

"""A terraform by another name (OpenTofu), workspaces, var files: what the settings say is what runs.

OpenTofu itself is in no package registry that the tests could use. Its stand-in here is the real terraform, in the
words that OpenTofu uses for itself: another name in every sentence, `tofu.ui` and `"tofu":` in the JSON stream.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from checks.apply.check import check
from checks.apply.state import lock as state_lock
from checks.context import CheckContext
from checks.finding import CheckState, Report
from checks.tools.terraform import Terraform
from config.load import load_settings
from ecotui.cli import main

_TOFU = f"""#!{sys.executable}
import subprocess, sys
words = [word.encode() for word in ("Terraform", "OpenTofu", '"terraform":"', '"tofu":"', "terraform.ui", "tofu.ui")]
def renamed(line):
    if b'"resource_drift"' in line or b'"planned_values"' in line or b'"terraform_version"' in line:
        return line
    for old, new in zip(words[::2], words[1::2]):
        line = line.replace(old, new)
    return line
child = subprocess.Popen(["terraform", *sys.argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
import threading
def pump(source, sink):
    for line in source:
        sink.write(renamed(line)); sink.flush()
other = threading.Thread(target=pump, args=(child.stderr, sys.stderr.buffer)); other.start()
pump(child.stdout, sys.stdout.buffer); other.join()
sys.exit(child.wait())
"""

_MAIN = """
variable "who" { type = string }
resource "terraform_data" "a" { input = var.who }
output "workspace" { value = terraform.workspace }
"""

pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    (folder / "tf").mkdir(parents=True)
    (folder / "bin").mkdir()
    tofu = folder / "bin" / "tofu"
    tofu.write_text(_TOFU)
    tofu.chmod(0o755)
    (folder / "tf" / "main.tf").write_text(_MAIN)
    (folder / "tf" / "prod.tfvars").write_text('who = "kim"\n')
    return folder


def _settings(folder: Path, **terraform: object) -> None:
    settings = {"directory": "tf", "var_files": ["prod.tfvars"], **terraform}
    (folder / "ecotui.yaml").write_text(json.dumps({"project": "other", "terraform": settings}))


def _world(folder: Path) -> CheckContext:
    return CheckContext(settings=load_settings(folder, None).settings, project=folder, env=dict(os.environ))


def _by_id(report: Report) -> dict[str, CheckState]:
    return {one.id: one.state for one in report.findings}


def test_a_rebuild_with_the_command_of_opentofu(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _settings(project, command=[str(project / "bin" / "tofu")])
    assert Terraform(_world(project)).name == "tofu"
    assert main(["-C", str(project), "plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == [
        {"address": "terraform_data.a", "type": "terraform_data", "actions": ["create"]}
    ]
    assert main(["-C", str(project), "apply", "--yes"]) == 0
    out = capsys.readouterr().out
    assert "tofu runs on its own" in out
    assert "[1/1]" in out
    assert "1 added" in out
    report = check(_world(project))
    assert {one.id: one.state for one in report.findings}["apply.changes"] is CheckState.OK

    (project / "tf" / "main.tf").write_text(_MAIN.replace("var.who", "var.whom"))
    refused = {one.id: one for one in check(_world(project)).findings}["apply.configuration"]
    assert refused.state is CheckState.BLOCKED
    assert refused.summary.startswith("tofu refuses the configuration: Reference to undeclared input variable")


def test_each_workspace_has_its_own_state_and_its_own_reviewed_plan(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _settings(project, workspace="staging")
    assert main(["-C", str(project), "plan"]) == 0
    _settings(project, workspace="production")
    # The plan that was reviewed is of staging: it must not be what is applied to production.
    assert main(["-C", str(project), "apply", "--yes"]) != 0
    _settings(project, workspace="staging")
    capsys.readouterr()
    assert main(["-C", str(project), "apply", "--yes"]) == 0
    assert "workspace = staging" in capsys.readouterr().out
    assert (project / "tf" / "terraform.tfstate.d" / "staging" / "terraform.tfstate").exists()
    assert not (project / "tf" / "terraform.tfstate").exists()


def test_applied_resources_are_recorded_where_no_provider_was_ever_downloaded(project: Path) -> None:
    _settings(project)
    assert main(["-C", str(project), "plan"]) == 0
    assert main(["-C", str(project), "apply", "--yes"]) == 0
    assert not Terraform(_world(project)).is_initialised()
    assert _by_id(check(_world(project))) == {
        "apply.configuration": CheckState.OK,
        "apply.state": CheckState.OK,
        "apply.changes": CheckState.OK,
    }


def test_a_var_file_that_is_not_there_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _settings(project, var_files=["staging.tfvars"])
    assert main(["-C", str(project), "plan"]) != 0
    printed = capsys.readouterr()
    assert "staging.tfvars" in printed.out + printed.err


def test_a_state_that_can_be_read_under_a_lock_that_cannot_is_not_green(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settings(project)
    denied = state_lock.StateLockStatus(
        unknown_reason="the lock in s3://b/k could not be read", denied=("s3:GetObject",), raw="AccessDenied"
    )
    monkeypatch.setattr(state_lock, "read_state_lock", lambda _world: denied)
    found = {one.id: one for one in check(_world(project)).findings}["apply.state"]
    assert found.state is CheckState.UNKNOWN
    assert found.denied == ("s3:GetObject",)


def test_a_backend_that_shows_no_lock_says_so_beside_its_state(project: Path) -> None:
    _settings(project)
    record = {"version": 3, "backend": {"type": "http", "config": {"address": "http://127.0.0.1:9/state"}}}
    (project / "tf" / ".terraform").mkdir()
    (project / "tf" / ".terraform" / "terraform.tfstate").write_text(json.dumps(record))
    found = {one.id: one for one in check(_world(project)).findings}["apply.state"]
    assert any(fact.label == "lock" and "the backend http shows only when" in fact.value for fact in found.facts)

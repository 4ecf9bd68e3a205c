"""The team's own script: analyzed before it is run, run under the supervisor, its headings recognised as stages."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.apply.fixes import script_fix
from checks.context import CheckContext
from checks.script.analysis import ScriptAnalysis, ScriptEffect, analyze_script
from checks.script.check import check_rebuild_script
from checks.script.stages import StageParser
from config.load import load_settings
from config.model import EnvironmentSettings, RebuildSettings, Settings, VariableSettings
from ecotui.cli import main

DESTROY = """#!/bin/bash
# aws iam delete-policy in a comment has no effect
echo "aws s3 rm"
POLICY_ARNS=$(aws iam list-policies --scope Local \\
    --query "Policies[?contains(PolicyName, 'alb-controller') || contains(PolicyName, 'ecoeco')].Arn" \\
    --output text)
for policy_arn in $POLICY_ARNS; do
    aws iam detach-role-policy --role-name "$role" --policy-arn "$policy_arn"
    aws iam delete-policy --policy-arn "$policy_arn"
done
cat <<EOF
terraform destroy
EOF
aws s3api list-buckets | grep prod-sesacthon
"""
REBUILD = """#!/usr/bin/env bash
export AUTO_MODE=true
bash "$PROJECT_ROOT/scripts/maintenance/destroy-with-cleanup.sh"
source ./lib/missing.sh
cd "$PROJECT_ROOT/terraform"
terraform apply -auto-approve
"""


def analysis_of(**files: str) -> ScriptAnalysis:
    return analyze_script("rebuild.sh", lambda at: files.get(at))


def test_a_script_is_read_with_those_that_it_calls() -> None:
    found = analyze_script(
        "rebuild.sh",
        {"rebuild.sh": REBUILD, "scripts/maintenance/destroy-with-cleanup.sh": DESTROY}.get,
    )
    assert found.files == ("rebuild.sh", "scripts/maintenance/destroy-with-cleanup.sh")
    assert found.unread == ("lib/missing.sh",)
    destroys = [(one.number, one.text.split()[2]) for one in found.lines_with(ScriptEffect.DESTROY)]
    assert destroys == [(8, "detach-role-policy"), (9, "delete-policy")]
    assert [one.number for one in found.lines_with(ScriptEffect.APPLY)] == [6]
    assert {one.number for one in found.lines_with(ScriptEffect.SKIP_CONFIRMATION)} == {2, 6}
    assert [one.pattern for one in found.lines_with(ScriptEffect.NAME_PATTERN)] == [
        "alb-controller",
        "ecoeco",
        "prod-sesacthon",
    ]
    assert not found.has_prompts
    assert found.summary == "It asks nothing: by its text it deletes in 2 places and applies in 1"


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("terraform -chdir=terraform destroy -auto-approve", ScriptEffect.DESTROY),
        ("aws --region ap-northeast-2 ec2 terminate-instances --instance-ids $ids", ScriptEffect.DESTROY),
        ("aws s3 rb s3://x --force", ScriptEffect.DESTROY),
        ("kubectl --context x delete ns a", ScriptEffect.DESTROY),
        ("rm -rf .terraform", ScriptEffect.DESTROY),
        ('read -p "Go on? " answer', ScriptEffect.PROMPT),
        ("if true; then read -r -p 'Sure?' x; fi", ScriptEffect.PROMPT),
        ("helm upgrade --install argo argo/argo-cd", ScriptEffect.APPLY),
        ("tofu apply plan.out", ScriptEffect.APPLY),
        ("sudo -E timeout 60 terraform destroy", ScriptEffect.DESTROY),
        ("terraform apply -destroy x", ScriptEffect.DESTROY),
        ("ids | xargs -I{} aws --no-cli-pager ec2 terminate-instances --instance-ids {}", ScriptEffect.DESTROY),
        ('bash -c "cd x; terraform destroy"', ScriptEffect.DESTROY),
        ('COMMAND="aws s3 rb s3://x"', ScriptEffect.DESTROY),
        ("ssh host <<E\nrm -rf x\nE", ScriptEffect.DESTROY),
        ('X="$(kubectl delete ns a)"', ScriptEffect.DESTROY),
        ("yes | ./x.sh", ScriptEffect.SKIP_CONFIRMATION),
        ('TF_CLI_ARGS_apply="-auto-approve"', ScriptEffect.SKIP_CONFIRMATION),
        ("select x in a b; do break; done", ScriptEffect.PROMPT),
    ],
)
def test_what_a_line_does_is_recognised(line: str, effect: ScriptEffect) -> None:
    assert effect in {one.effect for one in analysis_of(**{"rebuild.sh": line}).lines}


@pytest.mark.parametrize(
    "line",
    [
        "aws iam list-policies --scope Local",
        "terraform plan -out=x",
        "while read -r line; do :; done < file.txt",
        "kubectl get nodes",
        "# terraform destroy",
        "echo terraform destroy",
        "if x; then echo terraform destroy; fi",
        "cat <<E\nterraform destroy\nE",
        "aws s3 ls delete-me --query remove-x",
        "cmd | while read -r line; do :; done",
        "terraform plan -destroy",
    ],
)
def test_what_only_reads_has_no_effect(line: str) -> None:
    assert analysis_of(**{"rebuild.sh": line}).lines == ()


def test_scripts_that_call_each_other_are_read_once() -> None:
    found = analyze_script("a.sh", {"a.sh": "bash ./b.sh", "b.sh": "bash ./a.sh\nbash ./b.sh"}.get)
    assert found.files == ("a.sh", "b.sh")


# Stages


def titles(*lines: str, patterns: tuple[str, ...] = ()) -> list[str]:
    stages = StageParser(patterns)
    stages.feed(lines, 1.0)
    return [one.title for one in stages.finish(2.0)]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("Step 1: Destroy", "x", "Step 2: Apply"), ["Step 1: Destroy", "Step 2: Apply"]),
        (("[1/2] Destroy", "[2/2] Apply"), ["[1/2] Destroy", "[2/2] Apply"]),
        (("1단계: 정리", "2단계: 적용"), ["1단계: 정리", "2단계: 적용"]),
        (("1️⃣ Destroy", "2️⃣ Apply"), ["1️⃣ Destroy", "2️⃣ Apply"]),
        (("=== Destroy ===", "--- Apply ---"), ["Destroy", "Apply"]),
        (("━━━━━━━━━━━━", "Destroy", "━━━━━━━━━━━━", "done"), ["Destroy"]),
        (
            ("🔧 Terraform 초기화...", "✅ done", "🔐 IAM 정리..."),
            ["🔧 Terraform 초기화...", "🔐 IAM 정리..."],
        ),
        (("🔧 Begin", "Step 1: Destroy", "🔐 IAM", "Step 2: Apply"), ["Step 1: Destroy", "Step 2: Apply"]),
        (("\x1b[1;34m=== Destroy ===\x1b[0m",), ["Destroy"]),
        (("a line", "", "- a list item", "key = value", "100 of 200 done"), []),
    ],
)
def test_the_usual_headings_are_stages(lines: tuple[str, ...], found: list[str]) -> None:
    assert titles(*lines) == found


def test_the_team_s_own_headings_go_before_the_usual_ones() -> None:
    lines = ("Step 1: no", ">> Destroy", ">> Apply")
    assert titles(*lines, patterns=("^>> (.*)",)) == ["Destroy", "Apply"]


def test_stages_have_their_times() -> None:
    stages = StageParser()
    stages.feed(["Step 1: a"], 10.0)
    stages.feed(["x", "Step 2: b"], 25.0)
    first, second = stages.stages
    assert (first.duration_seconds(99.0), second.duration_seconds(30.0)) == (15.0, 5.0)
    assert stages.finish(40.0)[1].ended_at == 40.0


# Whether it can run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "scripts" / "cluster").mkdir(parents=True)
    return folder


def context(project: Path, *, env: dict[str, str] | None = None, **rebuild: tuple[str, ...]) -> CheckContext:
    environment = EnvironmentSettings(
        variables=(VariableSettings(name="VERSION"), VariableSettings(name="X", required=False))
    )
    settings = Settings(environment=environment, rebuild=RebuildSettings(**rebuild))
    return CheckContext(settings=settings, project=project, env=env or {})


def write(project: Path, text: str, *, executable: bool = False) -> Path:
    path = project / "scripts" / "cluster" / "auto-rebuild.sh"
    path.write_text(text)
    path.chmod(0o755 if executable else 0o644)
    return path


def test_the_script_at_a_usual_path_is_found_and_started_as_by_hand(project: Path) -> None:
    path = write(project, "terraform apply -auto-approve\n")
    found = check_rebuild_script(context(project))
    assert (found.argv, found.missing) == (("bash", str(path)), ("VERSION",))
    write(project, "#!/bin/sh\n", executable=True)
    assert check_rebuild_script(context(project, env={"VERSION": "1"})).argv == (str(path),)
    assert check_rebuild_script(context(project, env={"VERSION": "1"})).missing == ()


def test_a_missing_script_is_reported(project: Path) -> None:
    assert "no script is set" in check_rebuild_script(context(project)).trouble
    assert "does not exist" in check_rebuild_script(context(project, command=("./gone.sh",))).trouble


def test_the_fix_says_that_the_script_asks_nothing(project: Path) -> None:
    write(project, "terraform destroy -auto-approve\n")
    fix = script_fix(check_rebuild_script(context(project)))
    assert "It asks nothing" in fix.changes
    assert fix.risk.value == "destroys"
    assert fix.command == "ecotui script --run --yes"


def test_a_heading_that_is_no_regular_expression_is_reported_with_its_key(project: Path) -> None:
    from config.errors import SettingsError

    (project / "ecotui.yaml").write_text("rebuild: {stages: ['(']}\n")
    with pytest.raises(SettingsError, match=r"rebuild\.stages\[0\]"):
        load_settings(project=str(project), file=None, overrides=(), env={})


# Running it


RUN = """
echo "=== Step 1: Destroy ==="
echo token=$GITHUB_TOKEN
echo "=== Step 2: Apply ==="
read -p "Go on? " answer || echo "no answer"
echo "Error: creating IAM Policy (prod-alb-controller-policy): EntityAlreadyExists"
exit $1
"""


@pytest.fixture
def run_script(
    project: Path, tmp_path: Path, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    (project / "terraform").mkdir()
    (project / "ecotui.yaml").write_text("project: fixture\naws: {account: '123456789012'}\n")
    write(project, RUN)
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "a1B2" * 9)
    monkeypatch.setenv("GITHUB_USERNAME", "me")
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.chdir(project)

    def run(*words: str, code: int = 0) -> int:
        command = json.dumps(["scripts/cluster/auto-rebuild.sh", str(code)])
        return main(["--set", f"rebuild.command={command}", "script", *words])

    return run


def test_nothing_runs_without_its_flag_and_consent(
    run_script: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script() == 0
    assert "asks, and will get no answer" in capsys.readouterr().out
    assert run_script("--run") == 2
    assert "--yes confirms that you read the script" in capsys.readouterr().err
    assert not list(tmp_path.glob("state/sessions/*/commands/*"))


def test_a_run_has_its_stages_and_its_errors_explained(
    run_script: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script("--run", "--yes", code=7) == 1
    out = capsys.readouterr().out
    assert "[stage 1, after 0 s] Step 1: Destroy" in out
    assert "no answer" in out
    assert "guide 2.1:" in out
    assert "The script failed after" in out
    assert "in: Step 2: Apply" in out
    assert "ghp_" not in out
    (table,) = tmp_path.glob("state/sessions/*/commands/*/stages.csv")
    assert [row["stage"] for row in csv.DictReader(table.read_text().splitlines())] == [
        "Step 1: Destroy",
        "Step 2: Apply",
    ]
    assert run_script("--run", "--yes", code=0) == 0


def test_a_script_never_runs_in_another_account(
    run_script: Callable[..., int], project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "ecotui.yaml").write_text("project: fixture\naws: {account: '999999999999'}\n")
    assert run_script("--run", "--yes") == 3
    assert "nothing was run" in capsys.readouterr().err
    assert not list(tmp_path.glob("state/sessions/*/commands/*"))

"""The check of the apply step, with a terraform that answers from files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from checks.apply.check import check
from checks.apply.fixes import editor_command
from checks.apply.model import ApplyDetail
from checks.apply.state.lock import read_local_lock
from checks.context import CheckContext
from checks.finding import CheckState, Finding, RunCommand, RunInTerminal
from config.model import Settings, TerraformSettings

SCRIPT = """#!/bin/sh
case "$1" in
  validate) name=validate ;;
  state) name=state ;;
  plan) name=plan; echo "$@" > "{answers}/plan.argv" ;;
  *) name=other ;;
esac
cat "{answers}/$name" 2>/dev/null
cat "{answers}/$name.err" >&2 2>/dev/null
exit "$(cat "{answers}/$name.code" 2>/dev/null || echo 0)"
"""

VALID = json.dumps({"format_version": "1.0", "valid": True, "diagnostics": []})
STATE = {
    "version": 4,
    "serial": 7,
    "lineage": "abc",
    "terraform_version": "1.11.4",
    "resources": [
        {
            "mode": "managed",
            "type": "aws_instance",
            "name": "node",
            "module": "module.k8s",
            "instances": [
                {"index_key": "api", "attributes": {"id": "i-1", "arn": "arn:i-1"}},
                {"index_key": 0, "attributes": {"id": "i-2"}, "status": "tainted"},
            ],
        },
        {"mode": "data", "type": "aws_ami", "name": "a", "instances": [{"attributes": {"id": "ami"}}]},
    ],
}


class ScriptedTerraform:
    def __init__(self, root: Path) -> None:
        self.answers = root / "answers"
        self.folder = root / "project" / "terraform"
        self.answers.mkdir()
        self.folder.mkdir(parents=True)
        (self.folder / "main.tf").write_text("")
        (self.folder / ".terraform").mkdir()
        self.command = root / "terraform"
        self.command.write_text(SCRIPT.format(answers=self.answers))
        self.command.chmod(0o755)
        self.context = CheckContext(
            settings=Settings(terraform=TerraformSettings(command=(str(self.command),), timeout=20)),
            project=root / "project",
            env={"PATH": "/usr/bin:/bin", "HOME": str(root), "ECOTUI_STATE_DIR": str(root / "state")},
        )
        self.answer("validate", VALID)

    def answer(self, name: str, text: str = "", *, code: int = 0, err: str = "") -> None:
        (self.answers / name).write_text(text)
        (self.answers / f"{name}.err").write_text(err)
        (self.answers / f"{name}.code").write_text(str(code))

    def findings(self) -> dict[str, Finding]:
        report = check(self.context)
        assert report.step == "apply"
        self.detail = msgspec.convert(report.detail, type=ApplyDetail)
        return {finding.id: finding for finding in report.findings}


@pytest.fixture
def terra(tmp_path: Path) -> ScriptedTerraform:
    return ScriptedTerraform(tmp_path)


def planned(*actions: str) -> str:
    lines = [
        {"type": "planned_change", "change": {"resource": {"addr": f"a.b{n}"}, "action": action}}
        for n, action in enumerate(actions)
    ]
    return "\n".join(map(json.dumps, lines))


def refusal(summary: str, detail: str = "") -> str:
    node = {"severity": "error", "summary": summary, "detail": detail}
    return json.dumps({"type": "diagnostic", "diagnostic": node})


def test_an_empty_state_is_a_warning_and_a_plan_is_the_fix(terra: ScriptedTerraform) -> None:
    found = terra.findings()
    assert found["apply.configuration"].state is CheckState.OK
    assert found["apply.state"].summary == "The state is empty"
    changes = found["apply.changes"]
    assert changes.state is CheckState.WARN
    assert [fix.action for fix in changes.fixes] == [RunCommand(argv=("ecotui", "plan"))]


def test_only_a_plan_that_finds_nothing_turns_the_step_green(terra: ScriptedTerraform) -> None:
    terra.answer("state", json.dumps(STATE))
    terra.answer("plan", planned("noop", "read"))
    assert terra.findings()["apply.changes"].state is CheckState.OK
    assert terra.detail.types == {"aws_instance": 2}
    assert "-refresh=false -lock=false -input=false" in (terra.answers / "plan.argv").read_text()
    terra.answer("plan", planned("create", "create", "delete"))
    changes = terra.findings()["apply.changes"]
    assert (changes.state, changes.summary) == (
        CheckState.WARN,
        "Not everything is applied: 2 to create, 1 to destroy",
    )


def test_a_plan_that_fails_is_unknown_not_green(terra: ScriptedTerraform) -> None:
    terra.answer("state", json.dumps(STATE))
    terra.answer("plan", refusal("Retrieving AWS account details", "ExpiredToken: expired"), code=1)
    changes = terra.findings()["apply.changes"]
    assert changes.state is CheckState.UNKNOWN
    assert [fix.id for fix in changes.fixes] == ["apply.credentials"]


def test_a_tainted_resource_is_counted(terra: ScriptedTerraform) -> None:
    terra.answer("state", json.dumps(STATE))
    assert "1 of them tainted" in terra.findings()["apply.state"].summary


def test_an_invalid_configuration_names_its_location_its_guide_entry_and_the_line_to_open(
    terra: ScriptedTerraform,
) -> None:
    node = {
        "severity": "error",
        "summary": "Missing resource instance key",
        "detail": "count",
        "range": {"filename": "cdn.tf", "start": {"line": 152}},
    }
    terra.answer("validate", json.dumps({"valid": False, "diagnostics": [node, node | {"detail": "2"}]}), code=1)
    configuration = terra.findings()["apply.configuration"]
    assert configuration.state is CheckState.BLOCKED
    assert "Missing resource instance key at cdn.tf:152, and 1 more" in configuration.summary
    assert configuration.guide == ("1.4",)
    assert configuration.fixes[0].command.endswith("/terraform/cdn.tf")


def test_a_folder_that_is_not_initialised_is_offered_init(terra: ScriptedTerraform) -> None:
    terra.answer("validate", "", err="Error: Missing required provider\n\nrun terraform init\n", code=1)
    configuration = terra.findings()["apply.configuration"]
    assert (configuration.state, configuration.fixes[0].id) == (CheckState.WARN, "apply.init")


@pytest.mark.parametrize("files", [(), ("main.txt",)])
def test_a_folder_without_configuration_leads_to_its_entry(terra: ScriptedTerraform, files: tuple[str, ...]) -> None:
    (terra.folder / "main.tf").unlink()
    for name in files:
        (terra.folder / name).write_text("")
    found = terra.findings()
    assert found["apply.configuration"].guide == ("1.6",)
    assert found["apply.changes"].state is CheckState.SKIPPED


def test_a_missing_terraform_is_unknown(terra: ScriptedTerraform) -> None:
    terra.command.unlink()
    found = terra.findings()
    assert found["apply.configuration"].state is CheckState.UNKNOWN
    assert found["apply.state"].state is CheckState.UNKNOWN
    assert found["apply.changes"].state is not CheckState.OK


@pytest.mark.parametrize("text", ["not json", '{"version": 4, "resources": 3}', "[]"])
def test_a_damaged_state_is_unknown(terra: ScriptedTerraform, text: str) -> None:
    terra.answer("state", text)
    assert terra.findings()["apply.state"].state is CheckState.UNKNOWN


def test_the_state_of_an_interrupted_run_has_to_be_pushed_first(terra: ScriptedTerraform) -> None:
    terra.answer("state", json.dumps({**STATE, "resources": []}))
    (terra.folder / "errored.tfstate").write_text(json.dumps({**STATE, "serial": 8}))
    state = terra.findings()["apply.state"]
    assert state.state is CheckState.BLOCKED
    assert "2 resources that the state does not know" in state.summary
    facts = [(fact.label, fact.value) for fact in state.facts]
    assert ("only in the file", 'module.k8s.aws_instance.node["api"]') in facts
    (fix,) = state.fixes
    assert fix.command.startswith("ecotui recover --approve ")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("{}", "no state that can be read"),
        ({**STATE, "lineage": "other"}, "of another state"),
        ({**STATE, "serial": 6}, "was written since"),
    ],
)
def test_an_errored_state_that_would_do_harm_has_no_fix_that_pushes_it(
    terra: ScriptedTerraform, kept: object, said: str
) -> None:
    terra.answer("state", json.dumps(STATE))
    text = kept if isinstance(kept, str) else json.dumps(kept)
    (terra.folder / "errored.tfstate").write_text(text)
    state = terra.findings()["apply.state"]
    assert (state.state, said in state.summary) == (CheckState.BLOCKED, True), state.summary
    assert all("--approve" not in fix.command for fix in state.fixes)


def test_an_error_of_the_configuration_opens_the_editor_at_its_line(terra: ScriptedTerraform) -> None:
    editor = terra.command.with_name("nano")
    editor.write_text("#!/bin/sh\n")
    editor.chmod(0o755)
    terra.context.env["VISUAL"] = f"{editor} -l"  # type: ignore[index]
    node = {
        "severity": "error",
        "summary": "Unsupported argument",
        "range": {"filename": "main.tf", "start": {"line": 12}},
    }
    terra.answer("validate", json.dumps({"valid": False, "diagnostics": [node]}), code=1)
    (fix,) = terra.findings()["apply.configuration"].fixes
    assert fix.action == RunInTerminal(argv=(str(editor), "-l", "+12", str(terra.folder / "main.tf")))


@pytest.mark.parametrize(
    ("asked", "argv"),
    [
        ("code", ("code", "--wait", "--goto", "/p/a.tf:3")),
        ("code -w", ("code", "-w", "--goto", "/p/a.tf:3")),
        ("hx", ("hx", "/p/a.tf:3")),
        ("not-installed", ("vi", "+3", "/p/a.tf")),
        ("'unbalanced", ("vi", "+3", "/p/a.tf")),
    ],
)
def test_each_editor_gets_the_line_by_its_own_option(tmp_path: Path, asked: str, argv: tuple[str, ...]) -> None:
    for name in ("code", "hx", "vi"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": str(tmp_path), "EDITOR": asked}
    assert editor_command(Path("/p/a.tf"), 3, env) == argv
    assert editor_command(Path("/p/a.tf"), 3, {"PATH": "", "EDITOR": asked}) == ()


# The lock of a local state


INFO = '{"ID":"abc","Operation":"OperationTypeApply","Who":"root@vm","Created":"2026-11-23T20:00:00.1Z"}'


def test_a_lock_that_a_running_process_holds_has_no_fix(terra: ScriptedTerraform) -> None:
    (terra.folder / "terraform.tfstate").write_text("{}")
    (terra.folder / ".terraform.tfstate.lock.info").write_text(INFO)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,sys;f=open(sys.argv[1],'r+b');fcntl.lockf(f,fcntl.LOCK_EX);print('held',flush=True);sys.stdin.read()",
            str(terra.folder / "terraform.tfstate"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        state = terra.findings()["apply.state"]
    finally:
        holder.communicate("")
    assert state.state is CheckState.BLOCKED
    assert "root@vm for apply since 2026-11-23 20:00:00 UTC (lock abc); that process is running" in state.summary
    assert state.fixes == ()


def test_the_lock_file_of_a_killed_terraform_is_no_lock(terra: ScriptedTerraform) -> None:
    (terra.folder / ".terraform.tfstate.lock.info").write_text(INFO)
    if sys.platform.startswith("linux"):
        assert read_local_lock(terra.folder) is None
        (terra.folder / "terraform.tfstate").write_text("{}")
        assert read_local_lock(terra.folder) is None
    (terra.folder / ".terraform.tfstate.lock.info").write_text("\xff broken")
    assert read_local_lock(terra.folder) is None


def test_resources_in_state_have_the_addresses_that_terraform_uses(terra: ScriptedTerraform) -> None:
    from checks.tools.terraform import read_state_resources

    terra.answer("state", json.dumps(STATE))
    assert [(one.address, one.id) for one in read_state_resources(terra.context)] == [
        ('module.k8s.aws_instance.node["api"]', "i-1"),
        ("module.k8s.aws_instance.node[0]", "i-2"),
    ]


def test_sensitive_outputs_are_left_out(terra: ScriptedTerraform) -> None:
    from checks.tools.terraform import read_terraform_outputs

    values = {"vpc": {"value": "vpc-1", "sensitive": False}, "password": {"value": "x", "sensitive": True}}
    terra.answer("other", json.dumps(values))
    assert read_terraform_outputs(terra.context) == {"vpc": "vpc-1"}


def test_the_types_that_a_screen_draws_import_neither_boto3_nor_sh() -> None:
    modules = (
        "checks.apply, checks.apply.run.stream, checks.apply.plan.model, checks.apply.forecast.forecast, checks.apply.forecast.model, "
        "checks.apply.plan_store"
    )
    heavy = "('boto3', 'botocore', 'sh', 'yaml', 'textual')"
    code = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_state_and_validation_run_side_by_side_where_nothing_is_applied(terra: ScriptedTerraform) -> None:
    # The state answers only once the validation has begun: one after the other, it never would.
    begun = terra.answers / "begun"
    terra.command.write_text(
        f"""#!/bin/sh
case "$1" in
  validate) touch {begun}; cat "{terra.answers}/validate" ;;
  state) for i in $(seq 50); do [ -e {begun} ] && exit 0; sleep 0.1; done; exit 1 ;;
esac
"""
    )
    found = terra.findings()
    assert found["apply.state"].summary == "The state is empty"
    assert found["apply.configuration"].state is CheckState.OK


def test_the_check_reports_its_progress(terra: ScriptedTerraform) -> None:
    said: list[str] = []
    terra.context = terra.context.with_progress(said.append)
    terra.answer("state", json.dumps(STATE))
    (terra.folder / "terraform.tfstate").write_text(json.dumps(STATE))
    terra.findings()
    assert said == [
        "terraform state pull, and who holds the lock",
        "terraform plan against the state: what is left to apply",
    ]

"""An entry as steps: its commands taken apart without a shell, filled in, judged, and carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reports import blocked_reports, finding, report

from checks.finding import CheckState, PasteSecret, Risk, RunCommand, RunInTerminal, SetVariable
from config.load import load_settings
from config.model import Settings
from ecotui.guide.cause import CauseState, check_cause
from ecotui.guide.reading.document import parse_guide
from ecotui.guide.reading.library import GuideLibrary, load_shipped_library
from ecotui.guide.runbook.commands import (
    ChangeDirectory,
    GuideCommand,
    ShellScript,
    StatementBody,
    VariableAssignment,
    parse_statements,
)
from ecotui.guide.runbook.placeholders import PlaceholderValues, collect_placeholder_values
from ecotui.guide.runbook.risk import command_risk, needs_terminal
from ecotui.guide.runbook.runbook import rank_entries, runbook_for
from ecotui.guide.runbook.step import (
    RunbookContext,
    RunbookStep,
    StepKind,
    destroy_confirmation,
    edit_step,
    fix_from_step,
)
from screens.guide.runbook_rendering import render_step


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, None, env={}).settings


def context(settings: Settings, *files: str, **env: str) -> RunbookContext:
    reports = blocked_reports()
    return RunbookContext(
        settings, collect_placeholder_values(settings, Path("/p/eco2"), reports, env), lambda path: path in files
    )


def steps_of(entry: str, made: RunbookContext, language: str = "en") -> dict[str, RunbookStep]:
    library = load_shipped_library(language)
    found = library.entry_in_language(entry, language)
    assert found is not None
    return {step.key: step for step in runbook_for(found, check_cause(library, entry, {}), made)}


def one_step(text: str, made: RunbookContext) -> RunbookStep:
    document = parse_guide(f"# G\n\n## 1. C\n\n### 1.1. E\n\n#### Fix\n```bash\n{text}\n```\n", "g.md")
    library = GuideLibrary((document,), {}, "en")
    steps = runbook_for(document.entries[0], check_cause(library, "1.1", {}), made)
    assert len(steps) == 2, steps
    return steps[0]


# -- reading -------------------------------------------------------------------------------------------------------


def parse_statement(line: str) -> StatementBody:
    (statement,) = parse_statements(line)
    return statement.body


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("aws s3 ls", ("aws", "s3", "ls")),
        (
            "aws iam list \\\n    --query 'A[?B==`C` || D].Arn'",
            ("aws", "iam", "list", "--query", "A[?B==`C` || D].Arn"),
        ),
        ('gh secret set "A B" --body=""', ("gh", "secret", "set", "A B", "--body=")),
        ("kubectl get -o jsonpath='{.items[*].x}'", ("kubectl", "get", "-o", "jsonpath={.items[*].x}")),
        (r"echo a\ b", ("echo", "a b")),
        ('echo "say \\"hi\\" for 5\\$"', ("echo", 'say "hi" for 5$')),
        ("terraform plan # only looks", ("terraform", "plan")),
        ("A=1 aws s3 ls", ("env", "A=1", "aws", "s3", "ls")),
        ("echo 삭제", ("echo", "삭제")),
    ],
)
def test_a_plain_command_is_split_as_a_shell_would(line: str, argv: tuple[str, ...]) -> None:
    found = parse_statement(line)
    assert isinstance(found, GuideCommand)
    assert tuple("".join(str(part) for part in word) for word in found.words) == argv


@pytest.mark.parametrize(
    "line",
    [
        "aws s3 ls | wc -l",
        "terraform init && terraform plan",
        "terraform init; terraform plan",
        "sleep 5 &",
        "aws iam list > out.json",
        "wc < in.txt",
        "X=$(aws iam list)",
        "echo `whoami`",
        'aws s3 rm "s3://$(cat name)"',
        "for x in a b; do echo $x; done",
        "if true; then echo; fi",
        "(cd x; ls)",
        "rm *.tf",
        "ls file?",
        "echo ${A:-b}",
        "echo $1",
        "echo 'open",
        'echo "open',
        "cat <<EOF\nx\nEOF",
        "bash -c 'rm x'",
        "source .env",
        "eval x",
        "echo a | tee b | sh",
        "echo a | tee b > c",
        "A=1 B=2",
        "export A=1 B=2",
        "declare -x A=1",
    ],
)
def test_a_statement_that_needs_a_shell_is_only_copied_with_the_reason(line: str) -> None:
    found = parse_statement(line)
    assert isinstance(found, ShellScript)
    assert found.reason


def test_variables_folders_and_a_piped_echo_are_understood() -> None:
    assert parse_statement("export VERSION='v1'") == VariableAssignment("VERSION", ("v1",), True)
    assert parse_statement('KEY="k"') == VariableAssignment("KEY", ("k",), False)
    assert isinstance(parse_statement('cd "$PROJECT_ROOT/terraform"'), ChangeDirectory)
    piped = parse_statement('echo "<your-token>" | gh auth login --with-token')
    assert isinstance(piped, GuideCommand)
    assert piped.stdin is not None


def test_comments_stay_with_the_command_that_they_are_about() -> None:
    body = "# 1. look\naws a list\n# Result: 32\n\n# 2. next\nls\npwd\n\ngh auth login\n# choose HTTPS"
    assert [(one.text, one.note) for one in parse_statements(body)] == [
        ("aws a list", "1. look\nResult: 32"),
        ("ls", "2. next"),
        ("pwd", "2. next"),
        ("gh auth login", "choose HTTPS"),
    ]


def test_a_loop_over_many_lines_is_one_statement() -> None:
    body = 'for b in $X; do\n  if [ -n "$b" ]; then\n    aws rm $b\n  fi\ndone\nls'
    assert [type(one.body) for one in parse_statements(body)] == [ShellScript, GuideCommand]


# -- filling in ----------------------------------------------------------------------------------------------------


def test_placeholders_are_filled_with_values_that_name_their_source(settings: Settings) -> None:
    step = steps_of("6.1", context(settings))["1.1"]
    assert step.argv[:5] == ("aws", "cloudfront", "get-distribution", "--id", "E2QWRUHAPOMQZL")
    assert step.substitutions[0][0] == "<distribution-id>"
    assert "CloudFront" in step.substitutions[0][1].source
    assert step.is_runnable


def test_a_placeholder_without_a_value_keeps_the_command_from_running(settings: Settings) -> None:
    step = steps_of("6.1", RunbookContext(settings, PlaceholderValues()))["1.1"]
    assert step.missing == ("<distribution-id>",)
    assert "<distribution-id>" in step.text
    assert not step.is_runnable
    filled = edit_step(
        step, step.text.replace("<distribution-id>", "E1"), RunbookContext(settings, PlaceholderValues())
    )
    assert filled.is_runnable
    assert filled.key == step.key
    assert "E1" in filled.argv


def test_a_secret_is_never_filled_in(settings: Settings) -> None:
    made = context(settings, GITHUB_TOKEN="ghp_x", YOUR_TOKEN="ghp_y", DB_PASSWORD="p")
    step = steps_of("5.1", made)["2.5"]
    assert step.stdin_secret == "<your-token>"
    assert step.argv == ("gh", "auth", "login", "--with-token")
    assert isinstance(fix_from_step(step, "5.1").action, PasteSecret)
    for found in steps_of("7.1", made).values():
        assert "ghp_" not in repr(found)
    assert one_step("mysql --password $DB_PASSWORD", made).missing == ("$DB_PASSWORD",)


def test_region_and_desired_limit_come_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "ecotui.yaml").write_text(
        "aws: {region: eu-west-1}\nquota: {limits: [{code: L-1216C47A, service: ec2, title: v, desired: 64}]}\n"
    )
    settings = load_settings(tmp_path, None, env={}).settings
    step = steps_of("3.1", RunbookContext(settings, PlaceholderValues()))["1.2"]
    assert step.argv[-4:] == ("--desired-value", "64", "--region", "eu-west-1")
    assert ("--region ap-northeast-2", "eu-west-1") in [(was, known.value) for was, known in step.substitutions]


def test_a_value_that_begins_like_an_option_is_not_put_in(settings: Settings) -> None:
    step = one_step("aws s3 ls $WHERE", RunbookContext(settings, PlaceholderValues(env={"WHERE": "--recursive"})))
    assert step.missing == ("$WHERE",)


def test_terraform_runs_where_the_document_goes_first_or_the_project_has_it(settings: Settings) -> None:
    made = context(settings, "terraform")
    assert steps_of("1.6", made)["1.1"].argv[:2] == ("terraform", "-chdir=/p/eco2/terraform")
    assert steps_of("7.2", made)["1.1"].argv == ("terraform", "-chdir=terraform", "state", "list")


def test_a_script_that_the_project_does_not_have_says_so(settings: Settings) -> None:
    name = "./scripts/utilities/request-vcpu-increase.sh"
    gone = steps_of("3.1", context(settings))["1.1"]
    assert not gone.is_runnable
    assert gone.reason == f"the project has no {name}"
    assert steps_of("3.1", context(settings, name))["1.1"].is_runnable


def test_a_script_of_loops_is_one_step_to_copy(settings: Settings) -> None:
    steps = steps_of("2.1", context(settings))
    assert [step.kind for step in steps.values()] == [StepKind.SCRIPT, StepKind.END]
    assert "delete-policy" in steps["1.1"].text
    assert steps["1.1"].reason.startswith("needs a shell")


def test_both_languages_have_the_same_steps(settings: Settings) -> None:
    library = load_shipped_library("en")
    for entry in library.entries:
        assert [(step.key, step.kind) for step in steps_of(entry.id, context(settings), "ko").values()] == [
            (step.key, step.kind) for step in steps_of(entry.id, context(settings), "en").values()
        ], entry.id


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_order_of_response_leads_through_the_rebuild(settings: Settings, language: str) -> None:
    steps = [step for step in steps_of("7.3", context(settings), language).values() if step.kind is StepKind.MANUAL]
    assert [(step.check_step, step.screen_step) for step in steps] == [
        ("", ""),
        ("", "guide"),
        ("cleanup", ""),
        ("", "cleanup"),
        ("quota", ""),
        ("", "apply"),
    ]


# -- risk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aws iam list-policies --scope Local", Risk.READS),
        ("aws ec2 describe-instances --query delete", Risk.READS),
        ("aws iam delete-policy --policy-arn x", Risk.DESTROYS),
        ("aws iam detach-role-policy --role-name x", Risk.DESTROYS),
        ("aws ec2 terminate-instances --instance-ids i", Risk.DESTROYS),
        ("aws s3 rm s3://b --recursive", Risk.DESTROYS),
        ("aws --profile get-x iam delete-user", Risk.DESTROYS),
        ("terraform destroy -auto-approve", Risk.DESTROYS),
        ("terraform apply -auto-approve", Risk.DESTROYS),
        ("terraform force-unlock 1", Risk.DESTROYS),
        ("terraform -chdir=x state list", Risk.READS),
        ("terraform state rm x", Risk.DESTROYS),
        ("terraform init -upgrade", Risk.CHANGES),
        ("kubectl get pods -A", Risk.READS),
        ("kubectl --context get delete node x", Risk.DESTROYS),
        ("kubectl apply -f x", Risk.CHANGES),
        ("./scripts/maintenance/destroy-with-cleanup.sh", Risk.DESTROYS),
        ("env A=1 aws s3 rb s3://b --force", Risk.DESTROYS),
        ("rm -rf x", Risk.DESTROYS),
        ("gh auth status", Risk.READS),
        ("gh secret delete X", Risk.DESTROYS),
        ("aws service-quotas request-service-quota-increase", Risk.CHANGES),
    ],
)
def test_what_a_command_can_do_is_known_by_its_words(line: str, expected: Risk) -> None:
    assert command_risk(tuple(line.split())) is expected


def test_a_destroying_command_asks_for_its_own_words() -> None:
    assert destroy_confirmation(("aws", "iam", "delete-policy", "--policy-arn", "arn:x")) == "delete-policy arn:x"
    assert destroy_confirmation(("terraform", "destroy", "-auto-approve")) == "destroy terraform"
    assert destroy_confirmation(("terraform", "apply", "-auto-approve"))


def test_a_command_that_asks_on_the_terminal_gets_it(settings: Settings) -> None:
    steps = steps_of("5.1", context(settings))
    assert isinstance(fix_from_step(steps["1.1"], "5.1").action, RunInTerminal)
    assert isinstance(fix_from_step(steps_of("7.1", context(settings))["1.3"], "7.1").action, SetVariable)
    assert isinstance(fix_from_step(steps_of("6.1", context(settings))["1.1"], "6.1").action, RunCommand)
    assert not needs_terminal(("gh", "auth", "status"))


# -- the live check ------------------------------------------------------------------------------------------------


def test_the_state_of_the_cause_names_its_findings() -> None:
    library = load_shipped_library("en")
    reports = blocked_reports()
    present = check_cause(library, "6.1", reports)
    assert present.state is CauseState.PRESENT
    assert present.summary() == (
        "The cause is present: cdn.ecoeco.kr is being deployed for 4 min; 5 to 15 minutes are usual."
    )
    assert present.summary("ko").startswith("원인이 있습니다: ")


def test_a_finding_of_another_entry_is_not_this_entrys_cause() -> None:
    library = load_shipped_library("en")
    reports = {
        "apply": report("apply", finding("apply.configuration", CheckState.BLOCKED, "It is not valid.", guide=("1.3",)))
    }
    assert check_cause(library, "1.3", reports).state is CauseState.PRESENT
    other = check_cause(library, "1.1", reports)
    assert other.state is CauseState.ABSENT
    assert [one.summary for one in other.other_findings] == ["It is not valid."]
    assert other.summary() == "Not this cause; found instead: It is not valid."


def test_a_cause_that_could_not_be_checked_is_never_absent() -> None:
    library = load_shipped_library("en")
    denied = finding(
        "cleanup.iam-policy", CheckState.UNKNOWN, "Not allowed to list policies.", denied=("iam:ListPolicies",)
    )
    reports = {"cleanup": report("cleanup", denied)}
    blind = check_cause(library, "2.1", reports)
    assert blind.state is CauseState.UNKNOWN
    assert blind.summary() == "Could not be checked: Not allowed to list policies."
    broken = {"cleanup": report("cleanup", finding("cleanup.look", CheckState.UNKNOWN, "The look itself failed."))}
    assert check_cause(library, "2.1", broken).state is CauseState.UNKNOWN


def test_before_and_during_a_check_the_cause_is_not_rated() -> None:
    library = load_shipped_library("en")
    assert check_cause(library, "2.1", {}).state is CauseState.NOT_CHECKED
    assert check_cause(library, "2.1", blocked_reports(), {"cleanup"}).state is CauseState.CHECKING
    assert check_cause(library, "8", blocked_reports()).state is CauseState.NO_CHECK


def test_the_fixes_of_the_check_come_first(settings: Settings) -> None:
    library = load_shipped_library("en")
    reports = {
        "quota": report(
            "quota",
            finding(
                "quota.vcpu",
                CheckState.BLOCKED,
                "too few",
                guide=("3.1",),
                fixes=blocked_reports()["quota"].findings[0].fixes,
            ),
        )
    }
    entry = library.find_entry("3.1")
    assert entry is not None
    steps = runbook_for(entry, check_cause(library, "3.1", reports), context(settings))
    assert [step.key for step in steps[:3]] == ["quota.vcpu/request", "quota.vcpu/wait", "1.1"]
    assert steps[0].fix is not None


def test_entries_that_solved_the_problem_come_first_but_no_progress_before_an_error() -> None:
    scores = {"3.1": 1.0, "2.1": 1.0, "6.1": 0.6}
    assert rank_entries(["3.1", "2.1", "6.1"], scores, {}) == ("3.1", "2.1", "6.1")
    assert rank_entries(["3.1", "2.1", "6.1"], scores, {"2.1": 1, "6.1": 9}) == ("2.1", "3.1", "6.1")


def test_a_manual_step_names_the_files_and_the_commit_of_the_fix(settings: Settings) -> None:
    library = load_shipped_library("ko")
    entry = library.find_entry("1.3")
    assert entry is not None
    step = next(iter(steps_of("1.3", context(settings), "ko").values()))
    shown = render_step(step, "ko", 60, cause_check=check_cause(library, "1.3", {}), reports={}, entry=entry).plain
    assert "적용 파일  terraform/alb-controller-iam.tf, terraform/s3.tf" in shown
    assert "커밋  fix: Correct IAM role reference" in shown

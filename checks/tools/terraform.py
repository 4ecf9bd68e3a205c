"""Runs terraform (or OpenTofu, or any command with the same arguments), with typed results.

Queries go through `checks.tools.run` with a timeout. Plan and apply have no time limit: here are only their
command lines, which run under the supervisor or stream to a reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from checks.context import CheckContext
from checks.finding import FrozenStruct
from checks.sanitize import one_line, sanitize
from checks.tools import terraform_crash
from checks.tools.run import CommandError, CommandResult, run_command
from checks.tools.terraform_errors import (
    Diagnostic,
    StateLock,
    find_state_lock,
    guide_entries_for_diagnostics,
    needs_init,
    parse_diagnostics,
)

_MAX_OUTPUT_BYTES = 256_000_000
"""Bytes: the most that is read of a state or of a plan as JSON (5,000 resources are about 50 MB)."""


class TerraformError(CommandError):
    """terraform ran and failed."""

    def __init__(self, argv: tuple[str, ...], diagnostics: tuple[Diagnostic, ...], raw: str) -> None:
        self.argv = argv
        self.diagnostics = diagnostics
        self.raw = raw
        self.lock: StateLock | None = find_state_lock(diagnostics)
        super().__init__(self.explain())

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(one for one in self.diagnostics if one.is_error)

    @property
    def guide(self) -> tuple[str, ...]:
        return guide_entries_for_diagnostics(self.diagnostics)

    @property
    def needs_init(self) -> bool:
        return needs_init(self.diagnostics)

    def explain(self) -> str:
        if self.lock:
            return self.lock.sentence
        if self.needs_init:
            return "The terraform folder is not initialised (terraform init was not run, or has to run again)"
        if not self.errors:
            return one_line(self.raw) or "terraform failed without a message"
        if found := terraform_crash.find_crash(self.diagnostics, self.raw):
            return f"{found.title} ({found.panic or 'it left no stack trace'})"
        first = self.errors[0]
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        location = f" at {first.location}" if first.location else ""
        return f"{one_line(first.summary)}{location}{more}"


class Validation(FrozenStruct, frozen=True):
    valid: bool
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(one for one in self.diagnostics if one.is_error)


class StateResource(FrozenStruct, frozen=True):
    """A resource instance that the state knows."""

    address: str
    type: str
    id: str = ""
    arn: str = ""
    name: str = ""
    """Its name in AWS, where it has one."""
    tainted: bool = False


class StateSummary(FrozenStruct, frozen=True):
    """The resources of the state, and its version."""

    resources: tuple[StateResource, ...] = ()
    serial: int = 0
    lineage: str = ""
    terraform_version: str = ""
    """The version that wrote it."""


class Terraform:
    """The root module of a project, and the command that works on it."""

    def __init__(self, context: CheckContext) -> None:
        self.settings = context.settings.terraform
        self.command = tuple(self.settings.command)
        self.folder = context.terraform_folder
        self.env = terraform_environment(context)
        self._timeout = self.settings.timeout

    def argv(self, *words: str) -> tuple[str, ...]:
        return (*self.command, *words)

    @property
    def name(self) -> str:
        """The name of the program: `terraform`, `tofu`."""
        return Path(self.command[0]).name

    # The command lines of long work.

    def plan_argv(self, out: Path, *, stream: bool = True) -> tuple[str, ...]:
        flags = ["-json"] if stream else ["-no-color"]
        return self.argv("plan", *flags, "-input=false", *self._var_files(), *self._parallelism(), f"-out={out}")

    def apply_argv(self, plan: Path) -> tuple[str, ...]:
        return self.argv("apply", "-json", "-input=false", *self._parallelism(), str(plan))

    def _var_files(self) -> list[str]:
        return [f"-var-file={(self.folder / one).resolve()}" for one in self.settings.var_files]

    def _parallelism(self) -> list[str]:
        return [f"-parallelism={self.settings.parallelism}"] if self.settings.parallelism != 10 else []

    # Queries. Each raises CommandError: TerraformError where terraform itself refused.

    def version(self) -> str:
        """`1.11.4`."""
        outcome = self._query("version", "-json")
        try:
            return str(msgspec.json.decode(outcome.stdout)["terraform_version"])
        except (msgspec.DecodeError, KeyError, TypeError):
            found = re.search(r"v(\d+\.\d+\.\d+\S*)", outcome.stdout)
            if found:
                return found[1]
            raise self._error_from_result(outcome) from None

    def is_initialised(self) -> bool:
        """Whether `init` seems to have run: cheap, from the folder alone."""
        return Path(self.env.get("TF_DATA_DIR") or self.folder / ".terraform").is_dir()

    def init(self) -> CommandResult:
        outcome = self._query("init", "-input=false", "-no-color", timeout=max(600.0, self._timeout))
        return self._require_success(outcome)

    def force_unlock(self, id: str) -> CommandResult:
        """Remove the lock with this id from the state, whoever holds it. terraform refuses any other id."""
        return self._require_success(self._query("force-unlock", "-force", id))

    def push_state(self, file: Path) -> CommandResult:
        """Make this file the state. terraform refuses one of another lineage, and an older one."""
        return self._require_success(self._query("state", "push", str(file), timeout=max(120.0, self._timeout)))

    def untaint(self, address: str) -> CommandResult:
        """Remove the taint of a resource in the state: the next plan does not replace it."""
        return self._require_success(self._query("untaint", "-no-color", address))

    def refresh_resources(self, addresses: Sequence[str]) -> CommandResult:
        """Bring what these are in the account into the state; nothing in the account is changed."""
        targets = (f"-target={address}" for address in addresses)
        words = ("apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color")
        return self._require_success(
            self._query(*words, *self._var_files(), *targets, timeout=max(300.0, self._timeout))
        )

    def validate(self) -> Validation:
        outcome = self._query("validate", "-json")
        try:
            answer = msgspec.json.decode(outcome.stdout)
            valid = bool(answer["valid"])
        except (msgspec.DecodeError, KeyError, TypeError):
            # Without init some versions print text on stderr only.
            return Validation(valid=False, diagnostics=self._error_from_result(outcome).diagnostics)
        return Validation(valid=valid, diagnostics=parse_diagnostics(outcome.stdout))

    def show_plan(self, plan: Path) -> bytes:
        """The JSON of a saved plan, raw: it contains secrets, and stays in memory only."""
        outcome = run_command(
            self.argv("show", "-json", str(plan)),
            env=self.env,
            cwd=self.folder,
            timeout=max(300.0, self._timeout),
            limit=_MAX_OUTPUT_BYTES,
            text=False,
        )
        if outcome.exit_code or outcome.truncated:
            raise self._error_from_result(outcome)
        return outcome.data

    def read_outputs(self) -> dict[str, object]:
        """The outputs of the state by name, without the sensitive ones."""
        outcome = self._require_success(self._query("output", "-json"))
        try:
            answer: dict[str, dict[str, Any]] = msgspec.json.decode(outcome.stdout or "{}")
            return {name: one.get("value") for name, one in answer.items() if not one.get("sensitive")}
        except (msgspec.DecodeError, AttributeError):
            raise self._error_from_result(outcome) from None

    def pull_state(self) -> StateSummary:
        """The resources of the state. `state pull` starts no provider, which saves two seconds against `show -json`."""
        outcome = self._require_success(self._query("state", "pull"))
        return parse_state(outcome.stdout)

    def count_pending_changes(self, *, timeout: float) -> tuple[dict[str, int], tuple[Diagnostic, ...]]:
        """Plan against the state alone, without a lock: how many changes of each action, and warnings."""
        outcome = self._query(
            "plan",
            "-json",
            "-refresh=false",
            "-lock=false",
            "-input=false",
            *self._var_files(),
            timeout=timeout,
        )
        if outcome.exit_code:
            raise self._error_from_result(outcome)
        counts: dict[str, int] = {}
        for line in outcome.stdout.splitlines():
            if '"planned_change"' not in line:
                continue
            try:
                action = str(msgspec.json.decode(line)["change"]["action"])
            except (msgspec.DecodeError, KeyError, TypeError):
                continue
            if action not in ("read", "noop"):
                counts[action] = counts.get(action, 0) + 1
        return counts, parse_diagnostics(outcome.stdout)

    def _query(self, *words: str, timeout: float | None = None) -> CommandResult:
        return run_command(
            self.argv(*words), env=self.env, cwd=self.folder, timeout=timeout or self._timeout, limit=_MAX_OUTPUT_BYTES
        )

    def _require_success(self, outcome: CommandResult) -> CommandResult:
        if outcome.exit_code:
            raise self._error_from_result(outcome)
        return outcome

    @staticmethod
    def _error_from_result(outcome: CommandResult) -> TerraformError:
        raw = "\n".join(part for part in (outcome.stderr.strip(), outcome.stdout.strip()) if part)
        found = parse_diagnostics(outcome.stdout) + parse_diagnostics(outcome.stderr)
        return TerraformError(tuple(outcome.argv), found, sanitize(raw, limit=20_000))


def terraform_environment(context: CheckContext) -> dict[str, str]:
    """The environment of every terraform: no prompts, no colours, its workspace and profile."""
    env = {
        **context.env,
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }
    # Colour or a forced flag in TF_CLI_ARGS would change what is parsed here; variables for plan and apply stay.
    env.pop("TF_CLI_ARGS", None)
    env.pop("TF_LOG", None)
    if context.settings.terraform.workspace:
        env["TF_WORKSPACE"] = context.settings.terraform.workspace
    # The AWS provider finds region and profile in the environment; a configuration of its own goes before it.
    if context.settings.aws.region:
        env.setdefault("AWS_REGION", context.settings.aws.region)
    if context.settings.aws.profile:
        env["AWS_PROFILE"] = context.settings.aws.profile
    return env


def parse_state(text: str) -> StateSummary:
    """Read a state of version 4 (terraform 0.12 and later). Empty text is an empty state."""
    if not text.strip():
        return StateSummary()
    try:
        state = msgspec.json.decode(text, type=_State)
    except msgspec.DecodeError as error:
        unreadable = Diagnostic(severity="error", summary=f"The state cannot be read: {error}")
        raise TerraformError(("state", "pull"), (unreadable,), one_line(text)) from None
    found = []
    for resource in state.resources:
        if resource.mode != "managed":
            continue
        for instance in resource.instances:
            values: Mapping[str, Any] = instance.attributes or {}
            index = instance.index_key
            key = "" if index is None else f'["{index}"]' if isinstance(index, str) else f"[{index}]"
            path = f"{resource.module}." if resource.module else ""
            name = values.get("name") or values.get("key_name") or values.get("bucket") or ""
            found.append(
                StateResource(
                    address=f"{path}{resource.type}.{resource.name}{key}",
                    type=resource.type,
                    id=one_line(str(values.get("id") or "")),
                    arn=one_line(str(values.get("arn") or "")),
                    name=one_line(str(name)),
                    tainted=instance.status == "tainted",
                )
            )
    return StateSummary(
        resources=tuple(found),
        serial=state.serial,
        lineage=state.lineage,
        terraform_version=one_line(state.terraform_version),
    )


class _Instance(msgspec.Struct):
    attributes: dict[str, Any] | None = None
    index_key: str | int | None = None
    status: str | None = None


class _Resource(msgspec.Struct):
    mode: str
    type: str
    name: str
    module: str = ""
    instances: list[_Instance] = []


class _State(msgspec.Struct):
    serial: int = 0
    lineage: str = ""
    terraform_version: str = ""
    resources: list[_Resource] = []


def read_terraform_outputs(context: CheckContext) -> dict[str, object]:
    """The outputs of the project's state, without the sensitive ones. Raises CommandError."""
    return Terraform(context).read_outputs()


def read_state_resources(context: CheckContext) -> tuple[StateResource, ...]:
    """Every managed resource that the project's state knows. Raises CommandError."""
    return Terraform(context).pull_state().resources

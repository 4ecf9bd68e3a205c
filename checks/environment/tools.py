"""The tools on PATH and their versions, each asked in parallel."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping

import msgspec

from checks.context import CheckContext
from checks.environment.model import ToolRow
from checks.finding import CheckState, CopyText, Fact, Finding, Fix
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError, CommandNotFound, CommandResult, CommandTimeout, run_command
from config.model import ToolSettings

VERSION_TIMEOUT = 10.0
"""Seconds for a version; the slowest, the aws command, takes about 0.5 s on an idle machine."""
_FINDING_IDS = {"aws": "aws-cli"}
_VERSION_PATTERN = re.compile(r"(?:^|(?<=[\s/(]))v?(\d+(?:\.\d+)+)(?=[\s,)+-]|$)", re.MULTILINE)
"""`1.11.4`, `v1.32.4-dispatcher`, `aws-cli/2.15.0 Python`: a number that stands by itself."""
_VERSION_ARGUMENTS = {
    "terraform": ("version", "-json"),
    "kubectl": ("version", "--client", "-o", "json"),
}
"""How a tool is asked for its version, where it is not `--version`."""
_NO_UPDATE_CHECK_ENV = {
    # Each of these tools would otherwise ask its maker's server for newer versions, and wait for it.
    "CHECKPOINT_DISABLE": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "AWS_CLI_AUTO_PROMPT": "off",
}
_INSTALL_PAGES = {
    "terraform": "https://developer.hashicorp.com/terraform/install",
    "tofu": "https://opentofu.org/docs/intro/install/",
    "gh": "https://cli.github.com",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
}
_BREW_FORMULAE = {
    "terraform": "hashicorp/tap/terraform",
    "tofu": "opentofu",
    "gh": "gh",
    "kubectl": "kubectl",
    "aws": "awscli",
}


def check_tool(context: CheckContext, tool: ToolSettings) -> tuple[Finding, ToolRow]:
    """Ask one tool for its version. Never raises for a tool that is missing or broken."""
    context.on_progress(f"version of {tool.name}")
    command = _tool_command(context, tool)
    path = shutil.which(command[0], path=context.env.get("PATH", "")) or ""
    if len(command) > 1:
        return _check_wrapper_command(tool, command, path)
    try:
        outcome = run_command(
            (*command, *_VERSION_ARGUMENTS.get(tool.name, ("--version",))),
            env={**context.env, **_NO_UPDATE_CHECK_ENV},
            cwd=context.project if context.project.is_dir() else None,
            timeout=VERSION_TIMEOUT,
            limit=100_000,
        )
    except CommandNotFound:
        return _missing_tool(tool, command[0])
    except CommandTimeout as error:
        return _finding_and_row(tool, CheckState.UNKNOWN, f"{one_line(command[0])}: {error.explain()}", path=path)
    except CommandError as error:
        return _broken_tool(tool, command[0], error.explain(), path, "")
    if not outcome.ok:
        said = outcome.last_error or one_line(outcome.stdout) or "it says nothing"
        reason = f"{one_line(command[0])} does not run: exit code {outcome.exit_code}: {said}"
        return _broken_tool(tool, command[0], reason, path, outcome.stderr or outcome.stdout)
    return _check_version(tool, command[0], path, outcome)


def tool_finding_id(tool: str) -> str:
    """The finding's id: `environment.terraform`, and `environment.aws-cli` for aws."""
    return f"environment.{_FINDING_IDS.get(tool, tool)}"


def is_at_least(version: str, minimum: str) -> bool:
    """Whether a dotted version is the minimum or newer; missing parts count as zero."""
    have, need = ([int(part) for part in text.split(".")] for text in (version, minimum))
    length = max(len(have), len(need))
    return have + [0] * (length - len(have)) >= need + [0] * (length - len(need))


def parse_version(tool: str, text: str) -> str:
    """The dotted version in what a tool printed; empty when there is none."""
    read = _VERSION_READERS.get(tool)
    try:
        found = read(msgspec.json.decode(text)) if read else text
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        found = text  # a tool that prints plain words after all
    if "\ufffd" in str(found):
        return ""  # not text: in a file that is broken, two digits with a dot are soon found
    match = _VERSION_PATTERN.search(str(found))
    return match.group(1) if match else ""


_VERSION_READERS: Mapping[str, Callable[[dict[str, dict[str, str]]], object]] = {
    "terraform": lambda answer: answer["terraform_version"],
    "kubectl": lambda answer: answer["clientVersion"]["gitVersion"],
}


def _tool_command(context: CheckContext, tool: ToolSettings) -> tuple[str, ...]:
    configured = {"terraform": context.settings.terraform.command, "kubectl": context.settings.kubectl.command}
    return configured.get(tool.name) or (tool.name,)


def _check_wrapper_command(tool: ToolSettings, command: tuple[str, ...], path: str) -> tuple[Finding, ToolRow]:
    """A command such as `ssh HOST kubectl`: what runs there is seen only when it is used."""
    if not path:
        return _missing_tool(tool, command[0])
    said = f"{tool.name} runs as `{one_line(' '.join(command), limit=100)}`; {one_line(command[0])} is here"
    return _finding_and_row(tool, CheckState.OK, f"{said}, the version behind it is not checked.", path=path)


def _check_version(tool: ToolSettings, command: str, path: str, result: CommandResult) -> tuple[Finding, ToolRow]:
    version = parse_version(tool.name, result.stdout or result.stderr)
    if not version and tool.minimum:
        return _finding_and_row(
            tool,
            CheckState.UNKNOWN if "\ufffd" in result.stdout else CheckState.WARN,
            f"{one_line(command)} does not say its version; at least {tool.minimum} is wanted.",
            path=path,
            raw=sanitize(result.stdout or result.stderr, limit=2000),
        )
    if version and tool.minimum and not is_at_least(version, tool.minimum):
        return _finding_and_row(
            tool,
            CheckState.BLOCKED if tool.required else CheckState.WARN,
            f"{one_line(command)} {version} is too old; at least {tool.minimum} is needed.",
            path=path,
            version=version,
            fixes=(_install_fix(tool, command),),
        )
    return _finding_and_row(
        tool, CheckState.OK, f"{one_line(command)} {version}".strip() + ".", path=path, version=version
    )


def _missing_tool(tool: ToolSettings, command: str) -> tuple[Finding, ToolRow]:
    if tool.required:
        summary = f"{one_line(command)} is not on PATH, and the rebuild needs it."
        return _finding_and_row(tool, CheckState.BLOCKED, summary, fixes=(_install_fix(tool, command),))
    use = "; it is needed to log in with SSO only" if command == "aws" else ""
    return _finding_and_row(
        tool,
        CheckState.SKIPPED,
        f"{one_line(command)} is not on PATH; it is optional{use}.",
        fixes=(_install_fix(tool, command),),
    )


def _broken_tool(tool: ToolSettings, command: str, summary: str, path: str, raw: str) -> tuple[Finding, ToolRow]:
    return _finding_and_row(
        tool,
        CheckState.BLOCKED if tool.required else CheckState.WARN,
        summary,
        path=path,
        raw=sanitize(raw, limit=4000),
        fixes=(_install_fix(tool, command),),
    )


def _install_fix(tool: ToolSettings, command: str) -> Fix:
    known = command if command in _INSTALL_PAGES else tool.name
    if sys.platform == "darwin" and known in _BREW_FORMULAE:
        text = f"brew install {_BREW_FORMULAE[known]}"
    else:
        text = _INSTALL_PAGES.get(known, f"install {known} and put it on PATH")
    version = f" {tool.minimum} or newer" if tool.minimum else ""
    return Fix(
        id="install",
        title=f"Install {one_line(known)}{version}",
        action=CopyText(text=text),
        changes="Nothing by itself: how to install it on this machine.",
        recommended=tool.required,
    )


def _finding_and_row(
    tool: ToolSettings,
    state: CheckState,
    summary: str,
    *,
    path: str = "",
    version: str = "",
    raw: str = "",
    fixes: tuple[Fix, ...] = (),
) -> tuple[Finding, ToolRow]:
    shown = {"version": version, "at least": tool.minimum, "path": one_line(path)}
    finding = Finding(
        id=tool_finding_id(tool.name),
        step="environment",
        state=state,
        title=one_line(tool.name),
        summary=summary,
        facts=tuple(Fact(label=label, value=value) for label, value in shown.items() if value),
        fixes=fixes,
        raw=raw,
    )
    seen = ToolRow(
        name=one_line(tool.name),
        state=state,
        version=version,
        minimum=tool.minimum,
        path=one_line(path),
        required=tool.required,
    )
    return finding, seen

"""Which tools are on PATH, and in which version: each is asked for it, all at once."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping

import msgspec

from checks.context import World
from checks.finding import Copy, Fact, Finding, Fix, State, Value
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError, CommandMissing, CommandTimeout, Outcome, query
from config.model import Tool

TIMEOUT = 10.0
"""Seconds for a version; the slowest, the aws command, takes about 0.5 s on an idle machine."""
_IDS = {"aws": "aws-cli"}
_NUMBER = re.compile(r"(?:^|(?<=[\s/(]))v?(\d+(?:\.\d+)+)(?=[\s,)+-]|$)", re.MULTILINE)
"""`1.11.4`, `v1.32.4-dispatcher`, `aws-cli/2.15.0 Python`: a number that stands by itself."""
_ASK = {
    "terraform": ("version", "-json"),
    "kubectl": ("version", "--client", "-o", "json"),
}
"""How a tool is asked for its version, where it is not `--version`."""
_QUIET = {
    # Each of these tools would otherwise ask its maker's server for newer versions, and wait for it.
    "CHECKPOINT_DISABLE": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "AWS_CLI_AUTO_PROMPT": "off",
}
_MANUALS = {
    "terraform": "https://developer.hashicorp.com/terraform/install",
    "tofu": "https://opentofu.org/docs/intro/install/",
    "gh": "https://cli.github.com",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
}
_BREW = {
    "terraform": "hashicorp/tap/terraform",
    "tofu": "opentofu",
    "gh": "gh",
    "kubectl": "kubectl",
    "aws": "awscli",
}


class ToolSeen(Value, frozen=True):
    """A tool as it was found, for the step's table."""

    name: str
    state: State
    version: str = ""
    minimum: str = ""
    path: str = ""
    required: bool = True


def look(world: World, tool: Tool) -> tuple[Finding, ToolSeen]:
    """Ask one tool for its version. Never raises for what a tool can do wrong."""
    world.say(f"version of {tool.name}")
    command = _command(world, tool)
    path = shutil.which(command[0], path=world.env.get("PATH", "")) or ""
    if len(command) > 1:
        return _wrapped(tool, command, path)
    try:
        outcome = query(
            (*command, *_ASK.get(tool.name, ("--version",))),
            env={**world.env, **_QUIET},
            cwd=world.project if world.project.is_dir() else None,
            timeout=TIMEOUT,
            limit=100_000,
        )
    except CommandMissing:
        return _missing(tool, command[0])
    except CommandTimeout as error:
        return _finding(tool, State.UNKNOWN, f"{one_line(command[0])}: {error.explain()}", path=path)
    except CommandError as error:
        return _broken(tool, command[0], error.explain(), path, "")
    if not outcome.ok:
        said = outcome.last_error or one_line(outcome.stdout) or "it says nothing"
        reason = f"{one_line(command[0])} does not run: exit code {outcome.exit_code}: {said}"
        return _broken(tool, command[0], reason, path, outcome.stderr or outcome.stdout)
    return _judged(tool, command[0], path, outcome)


def finding_id(tool: str) -> str:
    """The finding's id: `environment.terraform`, and `environment.aws-cli` for aws."""
    return f"environment.{_IDS.get(tool, tool)}"


def at_least(version: str, minimum: str) -> bool:
    """Whether a dotted version is the minimum or newer; missing parts count as zero."""
    have, need = ([int(part) for part in text.split(".")] for text in (version, minimum))
    length = max(len(have), len(need))
    return have + [0] * (length - len(have)) >= need + [0] * (length - len(need))


def version_in(tool: str, text: str) -> str:
    """The dotted version in what a tool printed; empty when there is none."""
    read = _READ.get(tool)
    try:
        found = read(msgspec.json.decode(text)) if read else text
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        found = text  # a tool that prints plain words after all
    if "\ufffd" in str(found):
        return ""  # not text: in a file that is broken, two digits with a dot are soon found
    match = _NUMBER.search(str(found))
    return match.group(1) if match else ""


_READ: Mapping[str, Callable[[dict[str, dict[str, str]]], object]] = {
    "terraform": lambda answer: answer["terraform_version"],
    "kubectl": lambda answer: answer["clientVersion"]["gitVersion"],
}


def _command(world: World, tool: Tool) -> tuple[str, ...]:
    configured = {"terraform": world.settings.terraform.command, "kubectl": world.settings.kubectl.command}
    return configured.get(tool.name) or (tool.name,)


def _wrapped(tool: Tool, command: tuple[str, ...], path: str) -> tuple[Finding, ToolSeen]:
    """A command such as `ssh HOST kubectl`: what runs there is seen only when it is used."""
    if not path:
        return _missing(tool, command[0])
    said = f"{tool.name} runs as `{one_line(' '.join(command), limit=100)}`; {one_line(command[0])} is here"
    return _finding(tool, State.OK, f"{said}, the version behind it is not looked at.", path=path)


def _judged(tool: Tool, name: str, path: str, outcome: Outcome) -> tuple[Finding, ToolSeen]:
    version = version_in(tool.name, outcome.stdout or outcome.stderr)
    if not version and tool.minimum:
        return _finding(
            tool,
            State.UNKNOWN if "\ufffd" in outcome.stdout else State.WARN,
            f"{one_line(name)} does not say its version; at least {tool.minimum} is wanted.",
            path=path,
            raw=sanitize(outcome.stdout or outcome.stderr, limit=2000),
        )
    if version and tool.minimum and not at_least(version, tool.minimum):
        return _finding(
            tool,
            State.BLOCKED if tool.required else State.WARN,
            f"{one_line(name)} {version} is too old; at least {tool.minimum} is needed.",
            path=path,
            version=version,
            fixes=(_install(tool, name),),
        )
    return _finding(tool, State.OK, f"{one_line(name)} {version}".strip() + ".", path=path, version=version)


def _missing(tool: Tool, name: str) -> tuple[Finding, ToolSeen]:
    if tool.required:
        summary = f"{one_line(name)} is not on PATH, and the rebuild needs it."
        return _finding(tool, State.BLOCKED, summary, fixes=(_install(tool, name),))
    use = "; it is needed to log in with SSO only" if name == "aws" else ""
    return _finding(
        tool,
        State.SKIPPED,
        f"{one_line(name)} is not on PATH; it is optional{use}.",
        fixes=(_install(tool, name),),
    )


def _broken(tool: Tool, name: str, summary: str, path: str, raw: str) -> tuple[Finding, ToolSeen]:
    return _finding(
        tool,
        State.BLOCKED if tool.required else State.WARN,
        summary,
        path=path,
        raw=sanitize(raw, limit=4000),
        fixes=(_install(tool, name),),
    )


def _install(tool: Tool, name: str) -> Fix:
    known = name if name in _MANUALS else tool.name
    if sys.platform == "darwin" and known in _BREW:
        text = f"brew install {_BREW[known]}"
    else:
        text = _MANUALS.get(known, f"install {known} and put it on PATH")
    version = f" {tool.minimum} or newer" if tool.minimum else ""
    return Fix(
        id="install",
        title=f"Install {one_line(known)}{version}",
        action=Copy(text=text),
        changes="Nothing by itself: how to install it on this machine.",
        recommended=tool.required,
    )


def _finding(
    tool: Tool,
    state: State,
    summary: str,
    *,
    path: str = "",
    version: str = "",
    raw: str = "",
    fixes: tuple[Fix, ...] = (),
) -> tuple[Finding, ToolSeen]:
    shown = {"version": version, "at least": tool.minimum, "path": one_line(path)}
    finding = Finding(
        id=finding_id(tool.name),
        step="environment",
        state=state,
        title=one_line(tool.name),
        summary=summary,
        facts=tuple(Fact(label=label, value=value) for label, value in shown.items() if value),
        fixes=fixes,
        raw=raw,
    )
    seen = ToolSeen(
        name=one_line(tool.name),
        state=state,
        version=version,
        minimum=tool.minimum,
        path=one_line(path),
        required=tool.required,
    )
    return finding, seen

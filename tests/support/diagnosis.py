"""The labelled errors, and the ways in which they reach an operator: boxed, coloured, prefixed, quoted, cut off.

Each line of `diagnosis/dev.jsonl` and `diagnosis/held.jsonl` is one wording of one tool, with the dresses it is worn in:
the files stay small, and a wording never stands in both. Rules are mended by the first alone; the second says how they do
on what nobody looked at.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from support import DATA

FOLDER = DATA / "diagnosis"
WORDINGS = ("dev.jsonl", "held.jsonl")
SETS = ("samples.jsonl", "own.jsonl", *WORDINGS)


@dataclass(frozen=True)
class Case:
    id: str
    text: str
    expect: list[str]
    accept: list[str]
    note: str
    in_order: bool = True
    """False where the errors of one text are of the same weight."""

    def right(self, found: list[str]) -> bool:
        """The first answer is, of what is not merely arguable; for a text the guide has nothing about: no answer."""
        said = [entry for entry in found if entry not in self.accept]
        if not self.expect or self.in_order:
            return said[:1] == self.expect[:1]
        return said[:1] != [] and said[0] in self.expect


def cases(name: str) -> Iterator[Case]:
    """Of one file, each wording in each of its dresses."""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        for dress in one.get("dresses", ["plain"]):
            yield Case(
                f"{one['id']}-{dress}" if "dresses" in one else one["id"],
                DRESSES[dress](one["text"]),
                one["expect"],
                one["accept"],
                one["note"],
                not one.get("any"),
            )


def wrapped(text: str, width: int) -> str:
    """As a terminal does it: in the midst of a word."""
    return "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))


def prefixed(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(prefix + line for line in text.split("\n"))


def _blocks(text: str) -> list[str]:
    """Terraform's output, cut before each of its diagnostics."""
    return [block for block in re.split(r"(?m)^(?=(?:Error|Warning): )", text.strip("\n")) if block.strip()]


def boxed(text: str) -> str:
    """As terraform draws it in a terminal, colours lost. It wraps its own prose; what a provider said it leaves."""
    drawn = []
    for block in _blocks(text):
        if not re.match(r"(Error|Warning): ", block):
            drawn.append(block.rstrip())
            continue
        lines = block.rstrip().split("\n")
        drawn.append("╷\n" + "\n".join(f"│ {line}" for line in lines) + "\n│ \n╵")
    return "\n".join(drawn) + "\n"


def coloured(text: str) -> str:
    lines = []
    paint = "\x1b[31m"
    for line in boxed(text).split("\n"):
        kind, colon, words = line.removeprefix("│ ").partition(": ")
        if kind in ("Error", "Warning") and colon:
            paint = "\x1b[31m" if kind == "Error" else "\x1b[33m"
            head = f"\x1b[1m{paint}{kind}: \x1b[0m\x1b[0m\x1b[1m{words}\x1b[0m"
            lines.append(f"{paint}│\x1b[0m \x1b[0m{head}")
        elif line[:1] == "│":
            lines.append(f"{paint}│\x1b[0m \x1b[0m{line[2:]}\x1b[0m")
        else:
            lines.append(f"{paint}{line}\x1b[0m\x1b[0m" if line[:1] in ("╷", "╵") else line)
    return "\n".join(lines)


def diagnostics(text: str) -> str:
    """As `terraform apply -json` gives them."""
    lines = [
        '{"@level":"info","@message":"Terraform 1.11.4","@module":"terraform.ui","terraform":"1.11.4","type":"version"}'
    ]
    for block in _blocks(text):
        kind = re.match(r"(Error|Warning): ", block)
        if not kind:
            for line in filter(None, block.split("\n")):
                lines.append(json.dumps({"@level": "info", "@message": line, "type": "apply_progress"}))
            continue
        first, *rest = block[kind.end() :].split("\n")
        body = "\n".join(line for line in rest if not re.match(r"\s*(with |on |\d+:)", line)).strip("\n")
        detail = re.sub(r"(?<!\n)\n(?!\n)", " ", body)
        severity = kind[1].lower()
        message = {
            "@level": severity[:5],
            "@message": f"{kind[1]}: {first}",
            "@module": "terraform.ui",
            "diagnostic": {"severity": severity, "summary": first, "detail": detail},
            "type": "diagnostic",
        }
        lines.append(json.dumps(message, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def actions(text: str) -> str:
    """The log of a workflow: a time before each line, failures marked."""
    lines = [
        f"2026-03-02T01:00:{at % 60:02}.{at * 7919 % 10_000_000:07}Z "
        + ("##[error]" if line.startswith("Error") else "")
        + line
        for at, line in enumerate(text.split("\n"))
    ]
    return "\n".join([*lines, "2026-03-02T01:01:00.0000000Z ##[error]Process completed with exit code 1."])


def chat(text: str) -> str:
    quoted = "\n".join(f"> {line}" for line in text.strip("\n").split("\n"))
    return (
        "[김운영] [오후 3:12] 재구축하다가 또 멈췄어요. 이거 어떻게 해야 하나요?\n"
        f"{quoted}\n"
        "[박백엔드] [오후 3:14] 지난주에도 봤던 것 같은데 가이드 한번 찾아볼게요. 잠시만요!\n"
    )


def traced(text: str) -> str:
    return (
        "+ set -euo pipefail\n++ date +%H:%M:%S\n+ echo '[01:00:00] Step 2'\n[01:00:00] Step 2\n"
        f"+ cd /home/ubuntu/backend/terraform\n{text}\n+ exit_code=1\n+ exit 1\n"
    )


PROGRESS = (
    "module.vpc.aws_vpc.main: Creating...\n"
    "module.vpc.aws_vpc.main: Creation complete after 2s [id=vpc-0a1b2c3d4e5f60718]\n"
    "module.vpc.aws_subnet.public[{0}]: Creating...\n"
    "module.vpc.aws_subnet.public[{0}]: Still creating... [10s elapsed]\n"
    "module.vpc.aws_subnet.public[{0}]: Creation complete after 11s [id=subnet-0a1b2c3d4e5f6071{0}]\n"
    "aws_security_group_rule.node[{0}]: Refreshing state... [id=sgrule-38512{0}]\n"
)
NOISE = "".join(PROGRESS.format(at) for at in range(8))


def logged(text: str) -> str:
    return f"{NOISE}{text}\n{NOISE}"


def pane(text: str) -> str:
    """What a terminal of 80 columns showed: wrapped by it, cut off at both ends."""
    return wrapped(f"{NOISE[-400:]}{text}\n{NOISE[:300]}", 80)[37:-23]


def docker(text: str) -> str:
    return "\n".join(
        json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-03-02T01:00:00.0Z"}, ensure_ascii=False)
        for line in text.split("\n")
    )


DRESSES: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "box": boxed,
    "colour": coloured,
    "box80": lambda text: wrapped(boxed(text), 80),
    "json": diagnostics,
    "wrap80": lambda text: wrapped(text, 80),
    "words72": lambda text: "\n".join(
        textwrap.fill(line, 72, replace_whitespace=False, break_on_hyphens=False) for line in text.split("\n")
    ),
    "actions": actions,
    "compose": prefixed("terraform-1  | "),
    "terragrunt": lambda text: prefixed("10:12:33.123 STDERR [envs/prod] terraform: ")(boxed(text)),
    "terragrunt-old": lambda text: prefixed("[terragrunt] [envs/prod] 2025/11/07 10:12:33 ")(text),
    "jenkins": prefixed("[2026-03-02T01:00:00.000Z] "),
    "gitlab": lambda text: (
        "\x1b[0Ksection_start:1700000000:step_script\r\x1b[0K\x1b[0;m"
        f"{text}\n\x1b[0Ksection_end:1700000000:step_script\r\x1b[0K\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m"
    ),
    "atlantis": lambda text: (
        f"Ran Apply for dir: `terraform` workspace: `default`\n\n**Apply Error**\n```diff\nexit status 1\n{boxed(text)}```\n"
    ),
    "chat": chat,
    "fence": lambda text: f"### 재현\n\n```console\n$ make up\n{text}\n```\n\n환경: Ubuntu 22.04\n",
    "trace": traced,
    "log": logged,
    "pane": pane,
    "mail": prefixed("> > "),
    "journal": prefixed("Nov 07 10:12:33 bastion auto-rebuild.sh[4121]: "),
    "docker": docker,
    "python": prefixed("2025-11-07 10:12:33,123 ERROR deploy.steps: "),
    "tabs": prefixed("\t\t"),
}

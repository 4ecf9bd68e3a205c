"""Files and variables on the operator's machine: the project, its terraform folder, files, the SSH key, variables."""

from __future__ import annotations

import os
import shlex
import stat
from functools import partial
from pathlib import Path

from checks.context import CheckContext
from checks.environment.model import VariableRow
from checks.finding import CheckState, CopyText, Fact, Finding, Fix, Risk, RunCommand, SetVariable, build_finding
from checks.sanitize import one_line
from checks.text import plural
from config.discover import find_terraform_folders, list_configuration_files
from config.model import VariableSettings

_finding = partial(build_finding, "environment")
CHECKLIST_GUIDE = ("7.1",)
"""The guide's list of what to do before a rebuild."""
NO_CONFIGURATION_GUIDE = ("1.6",)
_KEY_HEAD_BYTES = 4096
"""Bytes: enough for the first line of a private key."""


def check_variables(context: CheckContext) -> tuple[tuple[Finding, ...], tuple[VariableRow, ...]]:
    """A finding for each variable that the settings name."""
    wanted = context.settings.environment.variables
    seen = tuple(
        VariableRow(
            name=one.name,
            set=bool(context.env.get(one.name, "").strip()),
            secret=one.secret,
            required=one.required,
            purpose=one_line(one.purpose),
        )
        for one in wanted
    )
    return tuple(_variable_finding(context, one) for one in wanted), seen


def _variable_finding(context: CheckContext, variable: VariableSettings) -> Finding:
    name, value = variable.name, context.env.get(variable.name, "")
    purpose = f" ({one_line(variable.purpose)})" if variable.purpose else ""
    fix = Fix(
        id="set",
        title=f"Set {name} for this session",
        action=SetVariable(name=name, secret=variable.secret, purpose=one_line(variable.purpose)),
        changes="Everything that this session starts sees the variable; its value is stored nowhere.",
        risk=Risk.CHANGES,
        recommended=variable.required,
    )
    facts = (Fact(label="value", value="••••" if variable.secret else "set"),)
    if not value.strip():
        how = "is not set" if not value else "holds only blanks"
        if variable.required:
            summary = f"{name} {how}, and the rebuild needs it{purpose}."
            return _finding(f"variable.{name}", CheckState.BLOCKED, name, summary, fixes=(fix,), guide=CHECKLIST_GUIDE)
        summary = f"{name} {how}; it is optional{purpose}."
        return _finding(f"variable.{name}", CheckState.SKIPPED, name, summary, fixes=(fix,))
    if value != value.strip():
        summary = f"{name} is set, with blanks or a newline around its value; pasted by mistake?"
        return _finding(
            f"variable.{name}", CheckState.WARN, name, summary, facts=facts, fixes=(fix,), guide=CHECKLIST_GUIDE
        )
    return _finding(f"variable.{name}", CheckState.OK, name, f"{name} is set{purpose}.", facts=facts)


def check_project_folder(context: CheckContext) -> tuple[Finding, ...]:
    """The project's folder, and the terraform folder in it."""
    folder = context.project
    shown = one_line(str(folder))
    try:
        names = {at.name for at in folder.iterdir()}
    except FileNotFoundError:
        return (_finding("project", CheckState.BLOCKED, "Project", f"The project's folder {shown} does not exist."),)
    except OSError as error:
        summary = f"The project's folder {shown} cannot be read: {error.strerror}."
        return (_finding("project", CheckState.BLOCKED, "Project", summary),)
    if "ecotui.yaml" in names:
        found = _finding("project", CheckState.OK, "Project", f"{shown}.", facts=(Fact(label="folder", value=shown),))
    else:
        found = _finding(
            "project",
            CheckState.WARN,
            "Project",
            f"{shown} has no ecotui.yaml: what is not set elsewhere is taken from the defaults of Eco².",
            facts=(Fact(label="folder", value=shown),),
            fixes=(
                Fix(
                    id="init",
                    title="Write an ecotui.yaml from what is found here",
                    action=RunCommand(argv=("ecotui", "init", "--project", str(folder))),
                    changes="A new file ecotui.yaml in the project's folder, to be read and corrected.",
                    risk=Risk.CHANGES,
                    recommended=True,
                ),
            ),
        )
    return found, _terraform_folder_finding(context)


def _terraform_folder_finding(context: CheckContext) -> Finding:
    folder = context.terraform_folder
    shown = one_line(str(folder))
    title = "Terraform folder"
    facts = (Fact(label="folder", value=shown),)
    missing = not folder.is_dir()
    files = () if missing else list_configuration_files(folder)
    if not files:
        summary = f"{shown} {'does not exist' if missing else 'holds no *.tf files'}"
        others = [at for at in find_terraform_folders(context.project)[:3] if at != folder]
        fixes: tuple[Fix, ...] = ()
        if others:
            better = str(others[0].relative_to(context.project))
            summary += f"; terraform files are in {one_line(better)}"
            fixes = (
                Fix(
                    id="directory",
                    title="Name the folder in ecotui.yaml",
                    action=CopyText(text=f"terraform:\n  directory: {better}"),
                    changes="Nothing by itself; with these lines terraform runs there.",
                    recommended=True,
                ),
            )
        return _finding(
            "terraform-folder",
            CheckState.BLOCKED,
            title,
            f"{summary}.",
            facts=facts,
            fixes=fixes,
            guide=NO_CONFIGURATION_GUIDE,
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        summary = f"{shown} cannot be written to, and terraform init has to."
        return _finding("terraform-folder", CheckState.BLOCKED, title, summary, facts=facts)
    return _finding(
        "terraform-folder", CheckState.OK, title, f"{shown}: {plural(len(files), 'file')} of terraform.", facts=facts
    )


def check_required_files(context: CheckContext) -> tuple[Finding, ...]:
    """A finding for each file that the settings name; those of variables are relative to the terraform folder."""
    wanted = {name: context.project / Path(name).expanduser() for name in context.settings.environment.files}
    for name in context.settings.terraform.var_files:
        wanted.setdefault(name, context.terraform_folder / Path(name).expanduser())
    return tuple(_file_finding(name, path) for name, path in wanted.items())


def _file_finding(name: str, path: Path) -> Finding:
    shown = one_line(name)
    id = f"file.{shown}"
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return _finding(id, CheckState.BLOCKED, shown, f"{shown} does not exist ({one_line(str(path))}).")
    except OSError as error:
        return _finding(id, CheckState.UNKNOWN, shown, f"{shown} could not be checked: {error.strerror}.")
    if stat.S_ISDIR(mode):
        return _finding(id, CheckState.OK, shown, f"The folder {shown} is there.")
    if not os.access(path, os.R_OK):
        return _finding(id, CheckState.BLOCKED, shown, f"{shown} is there but may not be read.")
    if path.suffix == ".sh" and not os.access(path, os.X_OK):
        fix = _chmod_fix(path, "+x", "Make the script executable", "The script may be run by its name.")
        return _finding(id, CheckState.WARN, shown, f"{shown} is there but not executable.", fixes=(fix,))
    return _finding(id, CheckState.OK, shown, f"{shown} is there.")


def check_ssh_key(context: CheckContext) -> tuple[Finding, ...]:
    """The private key of the settings; none when they name none."""
    named = context.settings.environment.ssh_key
    if not named:
        return ()
    home = context.env.get("HOME", "")
    path = Path(home + named[1:]) if named.startswith("~/") and home else context.project / Path(named)
    shown, id, title = one_line(named), "ssh-key", "SSH key"
    try:
        mode = path.stat().st_mode
        with path.open("rb") as stream:
            head = stream.read(_KEY_HEAD_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return (_finding(id, CheckState.BLOCKED, title, f"The SSH key {shown} does not exist."),)
    except IsADirectoryError:
        return (_finding(id, CheckState.BLOCKED, title, f"{shown} is a folder, not an SSH key."),)
    except OSError as error:
        return (_finding(id, CheckState.UNKNOWN, title, f"The SSH key {shown} cannot be read: {error.strerror}."),)
    facts = (Fact(label="file", value=shown), Fact(label="mode", value=f"{stat.S_IMODE(mode):04o}"))
    first = head.lstrip().partition(b"\n")[0]
    if not (first.startswith(b"-----BEGIN ") and b"PRIVATE KEY-----" in first):
        public = first.startswith((b"ssh-", b"ecdsa-", b"sk-"))
        kind = "a public key; its private half is needed" if public else "not a private key"
        return (_finding(id, CheckState.BLOCKED, title, f"{shown} is {kind}.", facts=facts),)
    if mode & 0o077:
        summary = f"{shown} is open to others (mode {stat.S_IMODE(mode):04o}); ssh refuses such a key."
        fix = _chmod_fix(path, "600", "Make the key yours alone", "Only you may read the key.")
        return (_finding(id, CheckState.BLOCKED, title, summary, facts=facts, fixes=(fix,)),)
    return (_finding(id, CheckState.OK, title, f"{shown} is a private key that only you may read.", facts=facts),)


def _chmod_fix(path: Path, mode: str, title: str, changes: str) -> Fix:
    target = str(path)
    argv = ("chmod", mode, "--", target) if target.startswith("-") else ("chmod", mode, target)
    return Fix(
        id="chmod",
        title=f"{title}: {shlex.join(argv)}" if len(target) < 40 else title,
        action=RunCommand(argv=argv),
        changes=changes,
        risk=Risk.CHANGES,
        recommended=True,
    )

"""Whether the terraform folder holds a configuration, and one that terraform accepts."""

from __future__ import annotations

from checks.apply.findings import CONFIGURATION, could_not, finding
from checks.apply.fixes import edit_fix
from checks.finding import Fact, Finding, State
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError
from checks.tools.terraform import Terraform, init_fix
from checks.tools.terraform_errors import Diagnostic, guide, not_initialised


def folder_trouble(terraform: Terraform) -> Finding | None:
    """Why there is no configuration to look at; None when there is one."""
    folder = terraform.folder
    if not folder.is_dir():
        summary = f"The terraform folder {one_line(str(folder))} does not exist: set terraform.directory in ecotui.yaml"
    else:
        try:
            if any(path.name.endswith((".tf", ".tf.json", ".tofu")) for path in folder.iterdir()):
                return None
            summary = f"There are no *.tf files in {one_line(str(folder))}"
        except OSError as error:
            return finding(
                CONFIGURATION,
                State.UNKNOWN,
                f"The terraform folder {one_line(str(folder))} cannot be read: {error.strerror}",
            )
    return finding(CONFIGURATION, State.BLOCKED, summary, guide=("1.6",))


def validated(terraform: Terraform) -> Finding:
    """What `terraform validate` says."""
    try:
        validation = terraform.validate()
    except CommandError as error:
        return could_not(CONFIGURATION, error, terraform.name)
    if validation.valid:
        return sound(terraform, validation.diagnostics)
    if not_initialised(validation.errors) or not validation.errors:
        return finding(
            CONFIGURATION,
            State.WARN,
            f"The terraform folder is not initialised yet; `ecotui plan` runs {terraform.name} init",
            facts=_facts(terraform),
            fixes=(init_fix(terraform.name),),
            raw=_raw(validation.diagnostics),
        )
    first = validation.errors[0]
    more = f", and {len(validation.errors) - 1} more" if len(validation.errors) > 1 else ""
    place = f" at {first.place}" if first.place else ""
    return finding(
        CONFIGURATION,
        State.BLOCKED,
        f"{terraform.name} refuses the configuration: {one_line(first.summary)}{place}{more}",
        facts=(
            *_facts(terraform),
            *(
                Fact(label=one.place or "error", value=one_line(f"{one.summary}: {one.detail}"))
                for one in validation.errors[:10]
            ),
        ),
        guide=guide(validation.diagnostics),
        fixes=(edit_fix(terraform.folder, first, terraform.env),) if first.place else (),
        raw=_raw(validation.diagnostics),
    )


def sound(terraform: Terraform, diagnostics: tuple[Diagnostic, ...]) -> Finding:
    """It is valid; some of the warnings (those that the guide explains) are told as one."""
    warnings = [one for one in diagnostics if not one.is_error]
    if not warnings:
        return finding(
            CONFIGURATION,
            State.OK,
            "The configuration is valid",
            facts=_facts(terraform),
        )
    plural = "s" if len(warnings) != 1 else ""
    return finding(
        CONFIGURATION,
        State.WARN if guide(warnings) else State.OK,
        f"The configuration is valid, with {len(warnings)} warning{plural}: {one_line(warnings[0].summary)}",
        facts=_facts(terraform),
        guide=guide(warnings),
        raw=_raw(warnings),
    )


def _facts(terraform: Terraform) -> tuple[Fact, ...]:
    return (Fact(label="folder", value=one_line(str(terraform.folder))),)


def _raw(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> str:
    return sanitize("\n\n".join(one.text for one in diagnostics), limit=20_000)

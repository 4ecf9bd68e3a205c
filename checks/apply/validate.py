"""Whether the terraform folder holds a configuration, and one that terraform accepts."""

from __future__ import annotations

from checks.apply.findings import CONFIGURATION_ID, apply_finding, not_checked_finding
from checks.apply.fixes import edit_fix
from checks.finding import CheckState, Fact, Finding
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError
from checks.tools.terraform import Terraform, terraform_init_fix
from checks.tools.terraform_errors import Diagnostic, guide_entries_for, needs_init


def folder_finding(terraform: Terraform) -> Finding | None:
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
            return apply_finding(
                CONFIGURATION_ID,
                CheckState.UNKNOWN,
                f"The terraform folder {one_line(str(folder))} cannot be read: {error.strerror}",
            )
    return apply_finding(CONFIGURATION_ID, CheckState.BLOCKED, summary, guide=("1.6",))


def validation_finding(terraform: Terraform) -> Finding:
    """What `terraform validate` says."""
    try:
        validation = terraform.validate()
    except CommandError as error:
        return not_checked_finding(CONFIGURATION_ID, error, terraform.name)
    if validation.valid:
        return validation_passed_finding(terraform, validation.diagnostics)
    if needs_init(validation.errors) or not validation.errors:
        return apply_finding(
            CONFIGURATION_ID,
            CheckState.WARN,
            f"The terraform folder is not initialised yet; `ecotui plan` runs {terraform.name} init",
            facts=_folder_facts(terraform),
            fixes=(terraform_init_fix(terraform.name),),
            raw=_raw_diagnostics(validation.diagnostics),
        )
    first = validation.errors[0]
    more = f", and {len(validation.errors) - 1} more" if len(validation.errors) > 1 else ""
    place = f" at {first.location}" if first.location else ""
    return apply_finding(
        CONFIGURATION_ID,
        CheckState.BLOCKED,
        f"{terraform.name} refuses the configuration: {one_line(first.summary)}{place}{more}",
        facts=(
            *_folder_facts(terraform),
            *(
                Fact(label=one.location or "error", value=one_line(f"{one.summary}: {one.detail}"))
                for one in validation.errors[:10]
            ),
        ),
        guide=guide_entries_for(validation.diagnostics),
        fixes=(edit_fix(terraform.folder, first, terraform.env),) if first.location else (),
        raw=_raw_diagnostics(validation.diagnostics),
    )


def validation_passed_finding(terraform: Terraform, diagnostics: tuple[Diagnostic, ...]) -> Finding:
    """It is valid; some of the warnings (those that the guide explains) are told as one."""
    warnings = [one for one in diagnostics if not one.is_error]
    if not warnings:
        return apply_finding(
            CONFIGURATION_ID,
            CheckState.OK,
            "The configuration is valid",
            facts=_folder_facts(terraform),
        )
    plural = "s" if len(warnings) != 1 else ""
    return apply_finding(
        CONFIGURATION_ID,
        CheckState.WARN if guide_entries_for(warnings) else CheckState.OK,
        f"The configuration is valid, with {len(warnings)} warning{plural}: {one_line(warnings[0].summary)}",
        facts=_folder_facts(terraform),
        guide=guide_entries_for(warnings),
        raw=_raw_diagnostics(warnings),
    )


def _folder_facts(terraform: Terraform) -> tuple[Fact, ...]:
    return (Fact(label="folder", value=one_line(str(terraform.folder))),)


def _raw_diagnostics(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> str:
    return sanitize("\n\n".join(one.text for one in diagnostics), limit=20_000)

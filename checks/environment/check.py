"""The first step: tools, AWS identity, project, files and variables, looked at all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from checks.context import CheckContext
from checks.environment import project_files as place
from checks.environment.identity import IdentitySummary
from checks.environment.identity import check_identity as look_at_identity
from checks.environment.project_files import VariableRow
from checks.environment.team_lock import check_team_lock
from checks.environment.tools import ToolRow
from checks.environment.tools import check_tool as look_at_tool
from checks.finding import Finding, FrozenStruct, Report, ReportBuilder


class EnvironmentDetail(FrozenStruct, frozen=True):
    """What the step's screen shows beside the findings."""

    tools: tuple[ToolRow, ...] = ()
    identity: IdentitySummary = IdentitySummary()
    variables: tuple[VariableRow, ...] = ()
    project: str = ""
    terraform_folder: str = ""


def check(context: CheckContext) -> Report:
    """Look at the machine and at the AWS identity; read-only."""
    begun = ReportBuilder("environment")
    tools = context.settings.environment.tools
    with ThreadPoolExecutor(max_workers=len(tools) + 2, thread_name_prefix="environment") as pool:
        asked = [pool.submit(look_at_tool, context, tool) for tool in tools]
        who = pool.submit(look_at_identity, context)
        others = pool.submit(check_team_lock, context)
        context.on_progress("variables and files")
        of_variables, variables = place.check_variables(context)
        of_place = (
            *place.check_project_folder(context),
            *place.check_required_files(context),
            *place.check_ssh_key(context),
        )
        of_tools = [one.result() for one in asked]
        of_identity, identity = who.result()
        of_team = others.result()
    findings: tuple[Finding, ...] = (
        *(finding for finding, _ in of_tools),
        *of_identity,
        *of_team,
        *of_variables,
        *of_place,
    )
    detail = EnvironmentDetail(
        tools=tuple(seen for _, seen in of_tools),
        identity=identity,
        variables=variables,
        project=str(context.project),
        terraform_folder=str(context.terraform_folder),
    )
    return begun.build(findings, detail)

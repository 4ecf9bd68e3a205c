"""The first step: tools, AWS identity, project, files and variables, looked at all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from checks.context import World
from checks.environment import project_files as place
from checks.environment.identity import IdentitySeen
from checks.environment.identity import look as look_at_identity
from checks.environment.project_files import VariableSeen
from checks.environment.team_lock import team
from checks.environment.tools import ToolSeen
from checks.environment.tools import look as look_at_tool
from checks.finding import Finding, Look, Report, Value


class EnvironmentDetail(Value, frozen=True):
    """What the step's screen shows beside the findings."""

    tools: tuple[ToolSeen, ...] = ()
    identity: IdentitySeen = IdentitySeen()
    variables: tuple[VariableSeen, ...] = ()
    project: str = ""
    terraform_folder: str = ""


def look(world: World) -> Report:
    """Look at the machine and at the AWS identity; read-only."""
    begun = Look("environment")
    tools = world.settings.environment.tools
    with ThreadPoolExecutor(max_workers=len(tools) + 2, thread_name_prefix="environment") as pool:
        asked = [pool.submit(look_at_tool, world, tool) for tool in tools]
        who = pool.submit(look_at_identity, world)
        others = pool.submit(team, world)
        world.say("variables and files")
        of_variables, variables = place.variables(world)
        of_place = (*place.project(world), *place.files(world), *place.ssh_key(world))
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
        project=str(world.project),
        terraform_folder=str(world.terraform_folder),
    )
    return begun.report(findings, detail)

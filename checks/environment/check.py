"""Step 1: are tools, AWS identity, project, files and variables in place, and does another machine work there?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from checks.context import CheckContext
from checks.environment import project_files
from checks.environment.identity import check_identity
from checks.environment.model import EnvironmentDetail
from checks.environment.tools import check_tool
from checks.finding import CheckState, Fact, Finding, Report, ReportBuilder, build_finding

if TYPE_CHECKING:
    from checks.aws.lease import LeaseRecord

_finding = partial(build_finding, "environment")


def check(context: CheckContext) -> Report:
    """Check the machine, the AWS identity and the team's lock, all at once. Reads only."""
    builder = ReportBuilder("environment")
    tools = context.settings.environment.tools
    with ThreadPoolExecutor(max_workers=len(tools) + 2, thread_name_prefix="environment") as pool:
        tool_futures = [pool.submit(check_tool, context, tool) for tool in tools]
        identity_future = pool.submit(check_identity, context)
        team_future = pool.submit(check_team_lock, context)
        context.on_progress("variables and files")
        variable_findings, variables = project_files.check_variables(context)
        file_findings = (
            *project_files.check_project_folder(context),
            *project_files.check_required_files(context),
            *project_files.check_ssh_key(context),
        )
        tool_results = [future.result() for future in tool_futures]
        identity_findings, identity = identity_future.result()
        team_findings = team_future.result()
    findings = (
        *(finding for finding, _ in tool_results),
        *identity_findings,
        *team_findings,
        *variable_findings,
        *file_findings,
    )
    detail = EnvironmentDetail(
        tools=tuple(row for _, row in tool_results),
        identity=identity,
        variables=variables,
        project=str(context.project),
        terraform_folder=str(context.terraform_folder),
    )
    return builder.build(findings, detail)


def check_team_lock(context: CheckContext) -> tuple[Finding, ...]:
    """Who holds the account, by the lock of `sessions.team`; no finding where no team is named. Reads only."""
    url = context.settings.sessions.team
    if not url:
        return ()
    from checks.aws.lease import read_lease
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from checks.aws.session import aws_error_types

    location = Fact(label="shared in", value=url)

    def finding(state: CheckState, summary: str, *facts: Fact, denied: tuple[str, ...] = (), raw: str = "") -> Finding:
        return _finding("team", state, "Team's lock", summary, facts=(location, *facts), denied=denied, raw=raw)

    failed = "Whether another machine works in this account could not be checked"
    try:
        account = context.aws.identity().account
        lease = read_lease(ObjectStore(context.aws, url), account)
    except aws_error_types() as error:
        explained = context.aws.explain(error, "sts:GetCallerIdentity")
        summary = f"{failed}: {explained.summary}"
        return (finding(CheckState.UNKNOWN, summary, denied=explained.denied, raw=explained.raw),)
    except ObjectStoreError as error:
        return (finding(CheckState.UNKNOWN, f"{failed}: {error}", denied=error.denied, raw=error.raw),)
    if lease is None or lease.record.free:
        return (finding(CheckState.OK, f"Nobody else works in account {account}."),)
    holder = Fact(label="holder", value=lease.record.holder_text)
    if _is_own_lease(lease.record, context):
        return (finding(CheckState.OK, f"Account {account} is ours: other machines only watch.", holder),)
    project = Fact(label="project", value=lease.record.project)
    age = Fact(label="last heard of", value=f"{lease.age:.0f} s ago, by S3's clock")
    if lease.is_available:
        summary = f"The lease of {lease.record.holder_text} is over: account {account} is free."
        return (finding(CheckState.OK, summary, holder, project, age),)
    summary = f"{lease.record.holder_text} works in account {account}: nothing is changed from here until then."
    return (finding(CheckState.BLOCKED, summary, holder, project, age),)


def _is_own_lease(record: LeaseRecord, context: CheckContext) -> bool:
    """Whether the session of this check holds the lease."""
    session = context.env.get("ECOTUI_SESSION", "")
    return bool(session) and session in record.session.split()

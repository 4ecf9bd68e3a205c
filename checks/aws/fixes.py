"""What the operator can do about AWS credentials and permissions."""

from __future__ import annotations

from checks.finding import CopyText, Fix, OpenStep, Risk, RunInTerminal

RENEW_VARIABLES_FIX_ID = "renew-variables"
"""The way to where keys in variables are renewed; the environment step itself does not offer it."""


def sso_login_fix(profile: str) -> Fix:
    """SSO, for this profile; empty: the default one."""
    return Fix(
        id="sso-login",
        title="Log in with SSO",
        action=RunInTerminal(argv=("aws", "sso", "login", *(("--profile", profile) if profile else ()))),
        changes="A new SSO token is stored for this profile.",
        risk=Risk.CHANGES,
        recommended=True,
    )


def new_credentials_fixes(profile: str) -> tuple[Fix, ...]:
    """SSO or access keys, for this profile."""
    configure = Fix(
        id="configure",
        title="Enter access keys",
        action=RunInTerminal(argv=("aws", "configure", *(("--profile", profile) if profile else ()))),
        changes="The keys are stored in the AWS credentials file by the aws command.",
        risk=Risk.CHANGES,
    )
    return (sso_login_fix(profile), configure)


def mfa_credentials_fix() -> Fix:
    """A profile that wants a code, which no look asks for."""
    return Fix(
        id="mfa",
        title="Fetch temporary credentials with the MFA code",
        action=CopyText(text="aws sts get-session-token --serial-number ARN_OF_THE_DEVICE --token-code CODE"),
        changes="Nothing by itself; set the three values that it prints as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
        "and AWS_SESSION_TOKEN.",
    )


def list_profiles_fix() -> Fix:
    """Where a profile was named that is not there."""
    return Fix(
        id="profiles",
        title="List the profiles",
        action=RunInTerminal(argv=("aws", "configure", "list-profiles")),
        changes="Nothing.",
    )


def request_permission_fix(action: str) -> Fix:
    """An IAM action that was refused."""
    statement = f'{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}'
    return Fix(
        id="grant",
        title=f"Ask for the permission {action}",
        action=CopyText(text=statement),
        changes="Nothing by itself: a statement for whoever keeps the IAM policies.",
    )


def renew_variables_fix() -> Fix:
    """Keys that stand in variables: no login changes those."""
    return Fix(
        id=RENEW_VARIABLES_FIX_ID,
        title="Renew the keys in the variables: go to the environment",
        action=OpenStep(step="environment"),
        changes="nothing yet",
        recommended=True,
    )

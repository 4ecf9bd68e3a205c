"""Fixes for AWS credentials and permissions."""

from __future__ import annotations

from checks.finding import CopyText, Fix, OpenStep, Risk, RunInTerminal

RENEW_VARIABLES_FIX_ID = "renew-variables"
"""Opens the environment step, where keys in variables are renewed; that step itself does not offer it."""


def sso_login_fix(profile: str) -> Fix:
    """Fix: log in with SSO for this profile; empty: the default one."""
    return Fix(
        id="sso-login",
        title="Log in with SSO",
        action=RunInTerminal(argv=("aws", "sso", "login", *(("--profile", profile) if profile else ()))),
        changes="A new SSO token is stored for this profile.",
        risk=Risk.CHANGES,
        recommended=True,
    )


def new_credentials_fixes(profile: str) -> tuple[Fix, ...]:
    """Fixes: log in with SSO, or enter access keys, for this profile."""
    configure = Fix(
        id="configure",
        title="Enter access keys",
        action=RunInTerminal(argv=("aws", "configure", *(("--profile", profile) if profile else ()))),
        changes="The keys are stored in the AWS credentials file by the aws command.",
        risk=Risk.CHANGES,
    )
    return (sso_login_fix(profile), configure)


def mfa_credentials_fix() -> Fix:
    """Fix: fetch credentials with an MFA code, which no check asks for."""
    return Fix(
        id="mfa",
        title="Fetch temporary credentials with the MFA code",
        action=CopyText(text="aws sts get-session-token --serial-number ARN_OF_THE_DEVICE --token-code CODE"),
        changes="Nothing by itself; set the three values that it prints as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
        "and AWS_SESSION_TOKEN.",
    )


def list_profiles_fix() -> Fix:
    """Fix: list the profiles, where one was named that does not exist."""
    return Fix(
        id="profiles",
        title="List the profiles",
        action=RunInTerminal(argv=("aws", "configure", "list-profiles")),
        changes="Nothing.",
    )


def request_permission_fix(action: str) -> Fix:
    """Fix: a policy statement that allows the missing IAM action."""
    statement = f'{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}'
    return Fix(
        id="grant",
        title=f"Ask for the permission {action}",
        action=CopyText(text=statement),
        changes="Nothing by itself: a statement for whoever keeps the IAM policies.",
    )


def renew_variables_fix() -> Fix:
    """Fix: open the environment step: no login changes keys in variables."""
    return Fix(
        id=RENEW_VARIABLES_FIX_ID,
        title="Renew the keys in the variables: go to the environment",
        action=OpenStep(step="environment"),
        changes="nothing yet",
        recommended=True,
    )

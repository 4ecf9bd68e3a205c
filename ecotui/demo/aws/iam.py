"""IAM policies that cannot be deleted while they are in use, as at AWS (moto deletes them all the same)."""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend


def install_policy_conflicts() -> None:
    """Refuse DeletePolicy for attached policies and for those with several versions. Once a process."""
    backend: Any = IAMBackend
    delete = backend.delete_policy

    def delete_policy(self: Any, policy_arn: str) -> None:
        policy = self.get_policy(policy_arn)
        holders = (*self.roles.values(), *self.users.values(), *self.groups.values())
        if any(policy_arn in holder.managed_policies for holder in holders):
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise DeleteConflictException(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy.",
            )
        delete(self, policy_arn)

    backend.delete_policy = delete_policy

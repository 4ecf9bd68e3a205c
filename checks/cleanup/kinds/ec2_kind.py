"""What the kinds of EC2 share: one way to list, read and delete, the default VPC's protection, and who uses a resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

from msgspec.structs import replace

from checks.aws.errors import aws_error_code, is_denied
from checks.aws.iam import iam_action
from checks.aws.network_interfaces import has_public_address, is_load_balancer_deleted
from checks.cleanup.aws_query import AwsQuery, allow_missing, parse_tags
from checks.cleanup.leftover_kind import DeleteResource, DeletionTask, LeftoverKind, ResourceInUse, RetryLater
from checks.cleanup.model import AwsResource
from checks.sanitize import one_line

Item = dict[str, Any]
"""A resource as EC2 describes it."""
MAX_NAMED_USERS = 6
"""Users of a resource that a message names."""
_IN_USE_CODES = frozenset({"DependencyViolation", "InvalidGroup.InUse", "InvalidNetworkInterface.InUse"})


class ResourceFields(TypedDict, total=False):
    """Fields of AwsResource that are not the same for every kind of EC2."""

    name: str
    arn: str
    aliases: tuple[str, ...]
    created_at: float | None
    size: str
    state: str
    uses: tuple[str, ...]
    identity: tuple[str, ...]
    parent_key: str
    other_keys: tuple[str, ...]
    blocked_by: tuple[str, ...]
    blocks: tuple[str, ...]
    protection_reason: str
    price_items: tuple[tuple[str, float], ...]


def _any_item(item: Item) -> bool:
    return True


def has_state_other_than_deleted(item: Item) -> bool:
    """False for what EC2 still shows for a while after its deletion."""
    return item.get("State") != "deleted"


def ec2_kind(
    id: str,
    singular: str,
    *,
    describe: str,
    id_field: str,
    fields: Callable[[Item], ResourceFields],
    delete: DeleteResource,
    terraform_types: tuple[str, ...],
    exists: Callable[[Item], bool] = _any_item,
    is_listed: Callable[[Item], bool] = _any_item,
    in_vpc: bool = False,
    action: str = "delete",
    guide: tuple[str, ...] = (),
) -> LeftoverKind:
    """A row for a kind that one operation of EC2 describes.

    `describe` answers with items that have their id in `id_field`; the parameter for ids is its plural.
    `exists` is false for items that EC2 shows after their deletion, `is_listed` for those that belong to another
    resource and go with it. `in_vpc`: what `fields` says it blocks names its VPC, and a default VPC protects it.
    """

    def build_all(query: AwsQuery, items: Iterable[Item], region: str) -> Iterator[AwsResource]:
        resources = [ec2_resource(id, id_field, item, region, fields(item)) for item in items if exists(item)]
        defaults = default_vpcs(query, region) if in_vpc and resources else None
        return (protect_default_vpc(one, defaults) if in_vpc else one for one in resources)

    def list_resources(query: AwsQuery) -> Iterable[AwsResource]:
        return build_all(
            query, filter(is_listed, query.list_items("ec2", describe, key_of_answer(describe))), query.region
        )

    def read_resource(query: AwsQuery, id: str, region: str) -> AwsResource | None:
        return next(build_all(query, describe_by_id(query, describe, id_field, id, region), region), None)

    return LeftoverKind(
        id=id,
        singular=singular,
        terraform_types=terraform_types,
        list_permission=iam_action("ec2", describe),
        list_resources=list_resources,
        read_resource=read_resource,
        delete=delete,
        action=action,
        guide=guide,
    )


def key_of_answer(describe: str) -> str:
    """Where the items are in the answer of an operation: `NatGateways` of `describe_nat_gateways`."""
    nouns = iam_action("ec2", describe).removeprefix("ec2:Describe")
    return {"Instances": "Reservations.Instances"}.get(nouns, nouns)


def describe_by_id(query: AwsQuery, describe: str, id_field: str, id: str, region: str) -> list[Item]:
    """The items of this id: one; none when EC2 does not know it (any more)."""
    ids: dict[str, Any] = {f"{id_field}s": [id]}
    return (
        allow_missing(lambda: list(query.list_items("ec2", describe, key_of_answer(describe), region=region, **ids)))
        or []
    )


def ec2_resource(kind: str, id_field: str, item: Item, region: str, fields: ResourceFields) -> AwsResource:
    """The resource: named by its tag Name, else by its id, and recognised by its id, unless `fields` says otherwise."""
    id = item[id_field]
    tags = parse_tags(item.get("Tags") or item.get("TagSet"))  # TagSet: network interfaces only
    common: ResourceFields = {"name": tags.get("Name") or id, "aliases": (id,), "identity": (id,)}
    return AwsResource(kind=kind, id=id, region=region, tags=tags, **(common | fields))


def delete_by_id(
    operation: str,
    id_field: str,
    *,
    wait_message: str = "AWS is deleting it",
    while_used: str = "",
    interface_filter: str = "",
) -> DeleteResource:
    """The deletion of a kind that one operation of EC2 deletes.

    `wait_message` is for one whose state is `deleting`. `while_used` (`still attached to`): it is not deleted while it
    has `uses`. `interface_filter` is EC2's filter for the network interfaces that block it: `subnet-id`.
    """

    def delete(query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None:
        if resource.state.startswith("deleting"):
            raise RetryLater(wait_message)
        if while_used and resource.uses:
            raise ResourceInUse(f"{while_used} {', '.join(resource.uses)}")
        with explain_in_use_error(query, resource.region, interface_filter, resource.id):
            getattr(query.client("ec2", resource.region), operation)(**{id_field: resource.id})

    return delete


def default_vpcs(query: AwsQuery, region: str) -> frozenset[str] | None:
    """The ids of the region's default VPCs (one, or none); None when AWS refuses to say."""
    filters = [{"Name": "is-default", "Values": ["true"]}]

    def request() -> frozenset[str] | None:
        items = query.list_items("ec2", "describe_vpcs", "Vpcs", region=region, Filters=filters)
        return frozenset(vpc["VpcId"] for vpc in items if vpc.get("IsDefault"))

    return query.call_or_default("ec2:DescribeVpcs", request, None)


def protect_default_vpc(resource: AwsResource, default_vpc_ids: frozenset[str] | None) -> AwsResource:
    """The resource; protected when it blocks a default VPC, or a VPC of which that is not known."""
    vpcs = {key.removeprefix("vpc:") for key in resource.blocks if key.startswith("vpc:")}
    reason = resource.protection_reason
    if default_vpc_ids is None:
        reason = (
            reason or "whether its VPC is the default one could not be checked (ec2:DescribeVpcs)" if vpcs else reason
        )
    elif vpcs & default_vpc_ids:
        reason = "part of the default VPC"
    return replace(resource, protection_reason=reason)


def join_names(names: Sequence[str]) -> str:
    """`a, b and 3 more`."""
    more = f" and {len(names) - MAX_NAMED_USERS} more" if len(names) > MAX_NAMED_USERS else ""
    return ", ".join(names[:MAX_NAMED_USERS]) + more


@contextmanager
def explain_in_use_error(
    query: AwsQuery, region: str, filter_name: str, filter_value: str, *, only_public: bool = False
) -> Iterator[None]:
    """Name the network interfaces that EC2's filter finds when EC2 refuses a deletion; EC2 does not say what depends.

    An empty filter changes nothing. `only_public`: those with a public address. Raises RetryLater when AWS itself is
    removing all that is left (a deleted load balancer's interfaces), and ResourceInUse for anything else.
    """
    try:
        yield
    except Exception as error:
        if not filter_name or aws_error_code(error) not in _IN_USE_CODES:
            raise
        filters = [{"Name": filter_name, "Values": [filter_value]}]
        try:
            left = list(
                query.list_items(
                    "ec2", "describe_network_interfaces", "NetworkInterfaces", region=region, Filters=filters
                )
            )
        except Exception as refusal:
            if is_denied(refusal):
                raise error from refusal
            raise
        if only_public:
            left = list(filter(has_public_address, left))
        if not left:
            raise
        names = join_names([_describe_interface(one) for one in left])
        if all(_is_being_removed(query, one, region) for one in left):
            raise RetryLater(f"AWS is still removing {names}") from error
        raise ResourceInUse(f"still used by {names}") from error


def _describe_interface(interface: Item) -> str:
    user = interface.get("Attachment", {}).get("InstanceId", "") or interface.get("Description", "")
    return one_line(f"network interface {interface['NetworkInterfaceId']}{f' ({user})' if user else ''}")


def _is_being_removed(query: AwsQuery, interface: Item, region: str) -> bool:
    try:
        return is_load_balancer_deleted(query.client, interface, region)
    except Exception as error:
        if is_denied(error):
            return False
        raise

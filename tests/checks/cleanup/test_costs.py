"""What leftovers cost a month: from a dated list, and "not known" wherever the list does not say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.cleanup import resource_of

from checks.cleanup.model import AwsResource, CleanupDetail, Leftover, Ownership
from checks.cleanup.scan import _monthly_cost
from config.prices import load_prices

SEOUL = "ap-northeast-2"


def monthly(seen: AwsResource) -> float | None:
    return _monthly_cost(seen, load_prices())


def volume_resource(region: str = SEOUL, **more: Any) -> AwsResource:
    return resource_of("volume", {"VolumeId": "vol-1", "Size": 50, "VolumeType": "gp3", "Iops": 3000, **more}, region)


def test_the_price_list_has_a_date_and_one_unit_for_each_price() -> None:
    listed = load_prices()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", listed.as_of)
    assert listed.as_of in listed.source
    assert {"ap-northeast-2", "us-east-1"} <= listed.regions.keys()
    for items in (listed.everywhere, *listed.regions.values()):
        for name, price in items.items():
            assert sum(value > 0 for value in (price.hour, price.gib_month, price.month)) == 1, name


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (resource_of("nat-gateway", {"NatGatewayId": "nat-1"}, SEOUL), 730 * 0.059),
        (resource_of("elastic-ip", {"AllocationId": "eipalloc-1"}, SEOUL), 730 * 0.005),
        (volume_resource(), 50 * 0.0912),
        (volume_resource("us-east-1"), 50 * 0.08),
        (volume_resource(Iops=6000), None),
        (volume_resource(Throughput=500), None),
        (volume_resource(VolumeType="io2"), None),
        (volume_resource("sa-east-1"), None),
    ],
)
def test_a_cost_is_from_the_list_or_unknown(seen: AwsResource, expected: float | None) -> None:
    assert seen.price_items
    assert monthly(seen) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 730 * 0.0936),
        ({"InstanceType": "t3a.medium"}, 730 * 0.0468),
        ({"InstanceType": "p5.48xlarge"}, None),
        ({"PlatformDetails": "Windows"}, None),
        ({"InstanceLifecycle": "spot"}, None),
        ({"PlatformDetails": "Linux/UNIX"}, 730 * 0.0936),
    ],
)
def test_an_instance_has_a_price_when_it_is_linux_on_demand(more: dict[str, Any], expected: float | None) -> None:
    found = {"InstanceId": "i-1", "InstanceType": "t3a.large", "State": {"Name": "running"}, **more}
    seen = resource_of("ec2-instance", found)
    assert seen.price_items
    assert monthly(seen) == (None if expected is None else pytest.approx(expected))
    assert not resource_of("ec2-instance", {**found, "State": {"Name": "stopped"}}).price_items


def test_an_interface_endpoint_costs_by_subnet_and_a_gateway_endpoint_nothing() -> None:
    interface = {"VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
    assert monthly(resource_of("vpc-endpoint", interface, SEOUL)) == pytest.approx(2 * 730 * 0.013)
    assert not resource_of("vpc-endpoint", {**interface, "VpcEndpointType": "Gateway"}, SEOUL).price_items


def test_a_zone_costs_the_same_everywhere() -> None:
    assert monthly(resource_of("route53-zone", {"Id": "/hostedzone/Z1", "Name": "example.com."})) == 0.5


def row(key: str, *, billed: bool = True, monthly: float | None = None) -> Leftover:
    kind, _, id = key.partition(":")
    return Leftover(
        key=key, kind=kind, id=id, name=id, ownership=Ownership.TAGGED, why="", action="delete",
        billed=billed, monthly=monthly,
    )  # fmt: skip


def test_a_sum_says_how_many_prices_are_unknown() -> None:
    rows = (row("a:1", monthly=10.0), row("a:2", monthly=2.5), row("a:3"), row("a:4", billed=False))
    detail = CleanupDetail(resources=rows, prices="a list of a day")
    assert detail.cost({"a:1", "a:2", "a:4"}) == "$12.50 a month (a list of a day)"
    assert detail.cost({"a:1", "a:3"}) == "$10.00 a month, and 1 more whose price is not known (a list of a day)"
    assert detail.cost({"a:3"}) == "The price of 1 that cost money is not known here"
    assert detail.cost({"a:4"}) == detail.cost(set()) == ""
    assert [one.cost for one in rows[1:]] == ["$2.50 a month", "monthly cost not known", ""]

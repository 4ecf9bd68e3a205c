"""The demo's Route53: batches that come at the same time lose nothing of one another."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from moto.route53.models import Route53Backend

from ecotui.demo.aws import route53


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def batch(action: str, names: list[str]) -> list[dict[str, Any]]:
    one = {"Type": "A", "TTL": "60", "ResourceRecords": [{"Value": "192.0.2.1"}]}
    return [{"Action": action, "ResourceRecordSet": {**one, "Name": name}} for name in names]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Route53Backend:
    monkeypatch.setattr(Route53Backend, "change_resource_record_sets", Route53Backend.change_resource_record_sets)
    route53.install_route53()
    return Route53Backend("aws", "123456789012")


def test_what_was_deleted_may_be_created_again_as_it_was(backend: Route53Backend) -> None:
    zone = backend.create_hosted_zone("example.com", False).id
    for action in ("CREATE", "DELETE"):
        backend.change_resource_record_sets(zone, batch(action, ["api.example.com"]))
    backend.change_resource_record_sets(zone, batch("CREATE", ["www.example.com"]))  # sorts behind it
    backend.change_resource_record_sets(zone, batch("CREATE", ["api.example.com"]))
    assert "api.example.com." in {one.name for one in backend.get_hosted_zone(zone).rrsets}


@pytest.mark.usefixtures("restless")
def test_records_deleted_at_the_same_time_are_all_gone(backend: Route53Backend) -> None:
    zone = backend.create_hosted_zone("example.com", False).id
    names = [f"r{number}.example.com." for number in range(400)]
    backend.change_resource_record_sets(zone, batch("CREATE", names))
    start = threading.Barrier(4)

    def delete(share: list[str]) -> None:
        start.wait()
        for name in share:
            backend.change_resource_record_sets(zone, batch("DELETE", [name]))

    workers = [threading.Thread(target=delete, args=(names[place::4],)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    left = {one.name for one in backend.get_hosted_zone(zone).rrsets}
    assert not left & set(names)

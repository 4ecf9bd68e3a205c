"""Plans, read from terraform's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.plan.model import ChangeAction, PlanUnreadable, read_plan


def change(address: str, actions: list[str], **more: Any) -> dict[str, Any]:
    before, after = more.pop("before", None), more.pop("after", None)
    delta = {"actions": actions, "before": before, "after": after}
    delta |= {key: more.pop(key) for key in list(more) if key.startswith("after_") or key in DELTA}
    type_ = strip_instance_keys(address).split(".")[-2]
    return {"address": address, "mode": more.pop("mode", "managed"), "type": type_, "change": delta, **more}


DELTA = ("before_sensitive", "replace_paths", "importing")


def document(*changes: dict[str, Any], **more: Any) -> bytes:
    whole = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": list(changes),
        **more,
    }
    return json.dumps(whole).encode()


def test_changes_are_counted_by_action() -> None:
    plan, _ = read_plan(
        document(
            change("aws_vpc.a", ["create"], after={"cidr_block": "10.0.0.0/16"}),
            change("aws_vpc.b", ["update"], before={"tags": None}, after={"tags": {"a": "b"}}),
            change("aws_eip.c", ["delete", "create"], before={}, after={}),
            change("aws_eip.d", ["delete"], before={"id": "x"}),
            change("aws_vpc.e", ["no-op"], before={}, after={}),
            change("aws_eip.f", ["no-op"], importing={"id": "eip-1"}),
            change("data.aws_ami.g", ["read"], mode="data"),
        )
    )
    assert plan.sentence == "1 to import, 1 to create, 1 to update, 1 to replace, 1 to destroy"
    assert (plan.total, plan.unchanged) == (5, 1)
    assert plan.operations == {"aws_vpc.a": 1, "aws_vpc.b": 1, "aws_eip.c": 2, "aws_eip.d": 1}


def test_sensitive_values_never_reach_the_plan_that_is_shown() -> None:
    plan, planned = read_plan(
        document(
            change(
                "aws_ssm_parameter.p",
                ["create"],
                after={"name": "/p", "value": "hunter2", "rules": [{"key": "hunter2", "port": 1}]},
                after_sensitive={"value": True, "rules": [{"key": True}]},
            ),
            change(
                "aws_db_instance.d",
                ["update"],
                before={"password": "hunter2", "settings": {"admin_password": "hunter2"}},
                after={
                    "password": "hunter2-new",
                    "settings": {"admin_password": "hunter2", "size": 2},
                    "auth_token": "hunter2 that no provider marked",
                },
                before_sensitive={"password": True},
                after_sensitive={"password": True},
            ),
        )
    )
    import msgspec

    assert b"hunter2" not in msgspec.json.encode(plan)
    assert {one.path: one.after for one in plan.changes[0].attributes}["value"] == "(sensitive)"
    assert planned[0].after["value"] == "hunter2"


def test_a_replaced_database_is_a_data_loss_and_names_the_attribute_that_forces_it() -> None:
    plan, _ = read_plan(
        document(
            change(
                "aws_db_instance.main",
                ["delete", "create"],
                before={"engine": "mysql", "port": 1},
                after={"engine": "postgres", "port": 1},
                replace_paths=[["engine"]],
                action_reason="replace_because_cannot_update",
            ),
            change("aws_security_group.g", ["delete"], before={}),
        )
    )
    (only,) = plan.data_losses
    assert (only.address, only.action, only.reason) == (
        "aws_db_instance.main",
        ChangeAction.REPLACE,
        "it cannot be changed in place",
    )
    assert [(one.path, one.before, one.after, one.forces_replacement) for one in only.attributes] == [
        ("engine", "mysql", "postgres", True)
    ]


def test_the_region_of_an_aliased_provider_is_found_also_inside_modules() -> None:
    resource = {
        "address": "aws_s3_bucket.b",
        "provider_config_key": "aws.us_east_1",
        "expressions": {"bucket": {}},
    }
    configuration = {
        "provider_config": {
            "aws": {"expressions": {"region": {"references": ["var.region"]}}},
            "aws.us_east_1": {"expressions": {"region": {"constant_value": "us-east-1"}}},
        },
        "root_module": {
            "resources": [{"address": "aws_vpc.a", "provider_config_key": "aws", "expressions": {}}],
            "module_calls": {"cdn": {"module": {"resources": [resource]}}},
        },
    }
    _, planned = read_plan(
        document(
            change("aws_vpc.a", ["create"], after={}),
            change('module.cdn["x.y"].aws_s3_bucket.b[0]', ["create"], after={}, after_unknown={"bucket": True}),
            configuration=configuration,
            variables={"region": {"value": "eu-west-1"}},
        )
    )
    assert [one.region for one in planned] == ["eu-west-1", "us-east-1"]
    assert planned[1].is_known_after_apply("bucket")
    assert not planned[1].is_known_after_apply("name")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not the JSON of a terraform plan"),
        (b"[]", "not the JSON of a terraform plan"),
        (b'{"hello": 1}', "not the JSON of a terraform plan"),
        (b'{"format_version": "2.0"}', "format 2.0"),
        (b"\xff\xfe\x00", "not the JSON of a terraform plan"),
        (b'{"format_version": "1.2", "resource_changes": "none"}', "not the JSON"),
    ],
)
def test_a_document_that_is_no_plan_is_refused_in_plain_words(text: bytes, words: str) -> None:
    with pytest.raises(PlanUnreadable, match=words):
        read_plan(text)


def test_an_empty_plan_has_nothing_to_do() -> None:
    plan, planned = read_plan(document())
    assert (plan.sentence, plan.total, planned) == ("nothing to do", 0, ())


def test_changes_are_read_beside_a_broken_configuration() -> None:
    plan, planned = read_plan(document(change("aws_vpc.a", ["create"], after={}), configuration={"root_module": 3}))
    assert plan.total == 1
    assert (planned[0].region, planned[0].configured_attributes) == ("", None)


def test_a_value_that_only_a_refresh_rewrites_is_no_drift() -> None:
    rewritten = change("aws_vpc.a", ["update"], before={"tags": None, "ids": []}, after={"tags": {}, "ids": None})
    changed = change("aws_vpc.b", ["update"], before={"tags": {}}, after={"tags": {"by": "hand"}})
    plan, _ = read_plan(document(resource_drift=[rewritten, changed]))
    assert [one.address for one in plan.drift] == ["aws_vpc.b"]


def test_a_plan_that_only_moves_addresses_is_one_to_apply() -> None:
    moved = {
        "address": "terraform_data.b",
        "previous_address": "terraform_data.a",
        "mode": "managed",
        "type": "terraform_data",
        "change": {"actions": ["no-op"], "before": {"id": "1"}, "after": {"id": "1"}},
    }
    plan, _ = read_plan(json.dumps({"format_version": "1.2", "resource_changes": [moved]}).encode())
    assert (plan.sentence, plan.total, plan.unchanged) == ("1 to move", 1, 0)
    # Terraform's stream says nothing of it: no progress counts to it.
    assert plan.operations == {}
    (change,) = plan.changes
    assert change.moved_from == "terraform_data.a"


def test_a_resource_that_is_imported_and_changed_counts_as_both() -> None:
    change = {
        "address": "aws_s3_bucket.i",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "change": {"actions": ["update"], "before": {}, "after": {}, "importing": {"id": "images"}},
    }
    plan, _ = read_plan(json.dumps({"format_version": "1.2", "resource_changes": [change]}).encode())
    assert plan.sentence == "1 to import, 1 to update"

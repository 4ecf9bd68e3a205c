"""Whose a resource is, and what may be deleted: pure decisions, held over many worlds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cleanup import graph
from checks.cleanup.approval import (
    ApprovalError,
    build_approval,
    describe_change,
    read_approval,
    resolve_keys,
    write_approval,
)
from checks.cleanup.known_resources import find_import_blocks, find_state_storage
from checks.cleanup.model import AwsResource, CleanupDetail, Leftover, Ownership
from checks.cleanup.ownership import KnownResources, decide_ownership, is_in_domain
from config.model import CleanupSettings

SELECTORS = CleanupSettings(
    names=("*alb-controller*",),
    exact=("k8s-cluster-key",),
    prefixes=("prod-sesacthon",),
    tags={"Project": "SeSACTHON", "ManagedBy": "Terraform"},
    domains=("example.com",),
    protect=("*-keep", "vpc-1234"),
)
OURS = {"Project": "SeSACTHON", "ManagedBy": "Terraform"}


def seen(name: str, **more: object) -> AwsResource:
    return AwsResource(kind="iam-policy", id=f"id-{name}", name=name, **more)  # type: ignore[arg-type]


def test_all_tags_are_proof_and_some_of_them_are_not() -> None:
    assert decide_ownership(seen("x", tags=OURS), SELECTORS, KnownResources()).ownership is Ownership.TAGGED
    assert (
        decide_ownership(seen("x", tags={"Project": "SeSACTHON"}), SELECTORS, KnownResources()).ownership
        is Ownership.FOREIGN
    )


def test_a_name_alone_is_listed_but_never_preselected() -> None:
    decision = decide_ownership(seen("prod-alb-controller-policy"), SELECTORS, KnownResources())
    assert decision.ownership is Ownership.NAME_ONLY
    assert decision.deletable
    assert not decision.preselected
    assert "*alb-controller*" in decision.reason


def test_an_exclusion_beats_an_inclusion_by_name_id_and_arn() -> None:
    for item in (
        seen("prod-sesacthon-keep", tags=OURS),
        AwsResource(kind="vpc", id="vpc-1234", name="x", tags=OURS),
        AwsResource(kind="iam-role", id="x", name="x", arn="arn:aws:iam::1:role/x-keep", tags=OURS),
    ):
        decision = decide_ownership(item, SELECTORS, KnownResources())
        assert decision.protection_reason
        assert not decision.deletable


def test_a_resource_in_the_state_is_managed_by_terraform() -> None:
    known = KnownResources(state_ids=frozenset({("aws_iam_policy", "id-x")}))
    assert decide_ownership(seen("x", tags=OURS), SELECTORS, known, ("aws_iam_policy",)).ownership is Ownership.IN_STATE
    # The same id of another type is another thing.
    assert decide_ownership(seen("x", tags=OURS), SELECTORS, known, ("aws_iam_role",)).ownership is Ownership.TAGGED


def test_nothing_is_preselected_while_the_state_could_not_be_read() -> None:
    decision = decide_ownership(seen("x", tags=OURS), SELECTORS, KnownResources(state_read=False))
    assert decision.ownership is Ownership.TAGGED
    assert not decision.preselected


def test_without_selectors_everything_is_foreign() -> None:
    assert not decide_ownership(seen("prod-sesacthon", tags=OURS), CleanupSettings(), KnownResources()).is_listed
    assert not decide_ownership(
        seen("x"), CleanupSettings(names=("",), prefixes=("",), exact=("",), domains=("",)), KnownResources()
    ).is_listed


@pytest.mark.parametrize(
    ("name", "domain", "inside"),
    [
        ("example.com", "example.com", True),
        ("cdn.example.com.", "example.com", True),
        ("notexample.com", "example.com", False),
        ("example.com.evil.net", "example.com", False),
    ],
)
def test_a_domain_contains_itself_and_its_subdomains(name: str, domain: str, inside: bool) -> None:
    assert is_in_domain(name, domain) is inside


def test_the_state_bucket_and_lock_table_are_read_from_configuration_and_backend(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket = "sesacthon-state"\n    assume_role = { role_arn = "x" }\n'
        '    dynamodb_table = "locks"\n  }\n}\nresource "aws_s3_bucket" "i" {\n  bucket = "prod-sesacthon-images"\n}\n'
    )
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform" / "terraform.tfstate").write_text(
        '{"backend": {"type": "s3", "config": {"bucket": "prod-sesacthon-tf", "dynamodb_table": null}}}'
    )
    assert find_state_storage(tmp_path) == {"sesacthon-state", "locks", "prod-sesacthon-tf"}


names = st.sampled_from(
    [
        "prod-sesacthon-a",
        "x-alb-controller",
        "k8s-cluster-key",
        "someone-else",
        "prod-sesacthon-keep",
        "state",
    ]
)
tags = st.sampled_from([OURS, {}, {"Project": "SeSACTHON"}, {"Project": "Other", "ManagedBy": "Terraform"}])
things = st.builds(
    lambda name, number, tags, guarded: AwsResource(
        kind="iam-role", id=f"{name}-{number}", name=name, arn=f"arn:{number}", tags=tags, protection_reason=guarded
    ),
    names,
    st.integers(0, 30),
    tags,
    st.sampled_from(["", "", "service-linked role"]),
)


@settings(max_examples=300, deadline=None)
@given(
    context=st.lists(things, max_size=12),
    managed=st.sets(st.integers(0, 30)),
    state_read=st.booleans(),
    protect=st.lists(st.sampled_from(["*-keep", "prod-*", "arn:7", "*-3"]), max_size=2),
)
def test_nothing_foreign_protected_or_managed_is_ever_deletable(
    context: list[AwsResource], managed: set[int], state_read: bool, protect: list[str]
) -> None:
    selectors = CleanupSettings(
        names=SELECTORS.names,
        exact=SELECTORS.exact,
        prefixes=SELECTORS.prefixes,
        tags=OURS,
        protect=tuple(protect),
    )
    known = KnownResources(
        state_read=state_read,
        state_arns=frozenset(f"arn:{number}" for number in managed),
        state_storage=frozenset({"state"}),
    )
    for one in context:
        decision = decide_ownership(one, selectors, known, ("aws_iam_role",))
        ours = one.tags == OURS
        matching = (
            "alb-controller" in one.name or one.name == "k8s-cluster-key" or one.name.startswith("prod-sesacthon")
        )
        if not (ours or matching):
            assert not decision.deletable
        if one.protection_reason or one.name == "state" or int(one.arn[4:]) in managed:
            assert not decision.deletable
        if ("*-keep" in protect and one.name.endswith("-keep")) or ("arn:7" in protect and one.arn == "arn:7"):
            assert not decision.deletable
        if decision.preselected:
            assert ours
            assert state_read
            assert decision.deletable


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 9).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
def test_the_order_has_every_key_once_and_respects_edges_without_circles(
    drawn: tuple[int, set[tuple[int, int]]],
) -> None:
    count, pairs = drawn
    keys = [str(number) for number in range(count)]
    edges = {key: frozenset(str(b) for a, b in pairs if str(a) == key and a != b) for key in keys}
    ordered = graph.deletion_order(keys, edges)
    assert sorted(ordered) == sorted(keys)
    if all(b < a for a, b in pairs if a != b):  # no circle possible
        place = {key: position for position, key in enumerate(ordered)}
        assert all(place[str(b)] < place[str(a)] for a, b in pairs if a != b)


def row(key: str, **more: object) -> Leftover:
    kind, _, id = key.partition(":")
    fields: dict[str, object] = {"ownership": Ownership.TAGGED, "why": "tagged", "action": "delete", **more}
    return Leftover(key=key, kind=kind, id=id, name=id, fingerprint="f", **fields)  # type: ignore[arg-type]


def detail(*rows: Leftover) -> CleanupDetail:
    return CleanupDetail(account="123456789012", account_name="eco2", region="ap-northeast-2", resources=rows)


def test_an_approved_list_is_read_as_written_and_an_edited_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    approval = build_approval(detail(row("key-pair:a"), row("key-pair:b")), ["key-pair:a"])
    write_approval(approval, path)
    assert read_approval(path) == approval
    assert path.stat().st_mode & 0o077 == 0
    path.write_text(path.read_text().replace("key-pair:a", "key-pair:z").replace('"id": "a"', '"id": "z"'))
    with pytest.raises(ApprovalError, match="changed after"):
        read_approval(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"schema": "x"}', b"{" * 10_000])
def test_a_file_that_is_no_approved_list_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(ApprovalError) as refusal:
        read_approval(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "kept",
    [
        {"protected": "cleanup.protect: *"},
        {"ownership": Ownership.IN_STATE},
        {"ownership": Ownership.FOREIGN},
    ],
)
def test_a_protected_leftover_cannot_be_approved(kept: dict[str, object]) -> None:
    with pytest.raises(ApprovalError, match="never deleted"):
        build_approval(detail(row("key-pair:a", **kept)), ["key-pair:a"])


def test_a_name_that_fits_no_leftover_or_several_is_refused() -> None:
    rows = detail(row("key-pair:a"), row("iam-role:a"))
    assert resolve_keys(rows, ["key-pair:a"]) == ["key-pair:a"]
    for word in ("a", "nobody"):
        with pytest.raises(ApprovalError):
            resolve_keys(rows, [word])


def test_lost_uses_are_no_change_and_new_uses_are() -> None:
    before = seen("p", uses=("role a", "user b"))
    listed = row("iam-policy:id-p", uses=before.uses)
    item = build_approval(detail(listed), [listed.key]).items[0]
    same = type(item)(**{**{f: getattr(item, f) for f in item.__struct_fields__}, "fingerprint": before.fingerprint})
    assert describe_change(same, seen("p", uses=("user b",))) == ""
    assert "role new" in describe_change(same, seen("p", uses=("user b", "role new")))
    assert "changed" in describe_change(same, seen("p", tags={"a": "b"}))


def test_a_resource_of_an_import_block_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "ecotui-adopt.tf").write_text(
        'import {\n  to = module.x["a.b"].aws_iam_policy.p["k"]\n  id = "id-x"\n}\n'
        'import {\n  for_each = toset(["y"])\n  to = aws_iam_policy.q[each.key]\n  id = "${each.key}"\n}\n'
    )
    taken = find_import_blocks(tmp_path)
    assert taken == {("aws_iam_policy", "id-x"): "ecotui-adopt.tf"}
    decision = decide_ownership(
        seen("x", tags=OURS), SELECTORS, KnownResources(import_blocks=taken), ("aws_iam_policy",)
    )
    assert not decision.deletable
    assert not decision.preselected
    assert decision.protection_reason == "to be adopted: an import block in ecotui-adopt.tf"
    # Of another type the same id is another thing.
    assert decide_ownership(
        seen("x", tags=OURS), SELECTORS, KnownResources(import_blocks=taken), ("aws_iam_role",)
    ).deletable

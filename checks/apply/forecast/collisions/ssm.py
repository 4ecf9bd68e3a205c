"""Collisions of Systems Manager: parameters and documents, unique in a region."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, CollisionQuery, ExistingResource, describe_by_name


def _find_parameter(query: CollisionQuery) -> ExistingResource | None:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [query.name]}]
    found = query.list_items("describe_parameters", "Parameters", ParameterFilters=filters)
    return ExistingResource(id=found[0].get("ARN") or query.name, import_id=query.name) if found else None


KINDS = (
    CollisionKind(
        "aws_ssm_parameter",
        _find_parameter,
        "ssm:DescribeParameters",
        "ssm",
        can_collide=lambda planned: planned.after.get("overwrite") is not True,
    ),
    CollisionKind(
        "aws_ssm_document",
        describe_by_name("describe_document", "Name", "Document.Name", "InvalidDocument", "InvalidDocumentOperation"),
        "ssm:DescribeDocument",
        "ssm",
    ),
)

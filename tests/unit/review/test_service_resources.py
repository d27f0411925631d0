"""The task roles that may use a resource, from the resource to the services."""

from __future__ import annotations

import json
from typing import Any

from cicd_templates.review import environment_page
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.review.service_resources import ServiceResources
from cicd_templates.template.stack_template import StackTemplate
from tests.unit.review.conftest import reading, resource, role, stack_of, statement

ROOT = "/shop/staging/databases"
LEDGER = {"Fn::GetAtt": ["LedgerCluster", "DBClusterResourceId"]}
DATABASES = stack_of(
    {
        "LedgerCluster": resource("RDS::DBCluster", DBClusterIdentifier="shop-staging-ledger"),
        "Other": resource("RDS::DBCluster", DBClusterIdentifier="shop-staging-other"),
        "Key": resource("KMS::Key"),
        "IdParameter": resource("SSM::Parameter", Name=f"{ROOT}/Id", Value=LEDGER),
        "KeyParameter": resource("SSM::Parameter", Name=f"{ROOT}/Key", Value={"Fn::GetAtt": ["Key", "Arn"]}),
    },
    label="databases",
)


def service(name: str, *statements: dict[str, Any], **trust: Any) -> StackTemplate:
    return stack_of(
        {"TaskRole": role(*statements, **trust)},
        label=f"service-{name}",
        layer="service",
        service=name,
        parameters={"Id": reading(f"{ROOT}/Id"), "KeyArn": reading(f"{ROOT}/Key")},
    )


def connects(user: str, effect: str = "Allow") -> dict[str, Any]:
    arn = f"arn:${{AWS::Partition}}:rds-db:eu-central-1:100000000002:dbuser:${{Id}}/{user}"
    return statement("Connect", "rds-db:connect", on={"Fn::Sub": arn}, effect=effect)


def rows(*stacks: StackTemplate) -> list[tuple[str, ...]]:
    found, joined, recorded = ServiceResources(), ServiceResources(), ServiceResources()
    for stack in review_stacks([DATABASES, *stacks]):
        found.add(stack)
        own = ServiceResources()
        own.add(stack)
        joined.extend(own)
        recorded.extend_plain(json.loads(json.dumps(own.to_plain())))
    # Several processes collect some stacks each, and a record has them as JSON.
    assert joined.rows() == recorded.rows() == found.rows()
    return found.rows()


def test_each_resource_names_the_roles_of_its_services() -> None:
    till, reports = service("till", connects("readwrite_till")), service("reports", connects("read_reports"))

    assert rows(till, reports) == [
        ("databases.LedgerCluster", "RDS::DBCluster", "/readwrite_till", "rds-db: connect", "service-till.TaskRole"),
        ("databases.LedgerCluster", "RDS::DBCluster", "/read_reports", "rds-db: connect", "service-reports.TaskRole"),
    ]


def test_roles_with_the_same_rights_share_a_row() -> None:
    found = rows(service("till", connects("read")), service("reports", connects("read")))

    assert [row[-1] for row in found] == ["service-till.TaskRole, service-reports.TaskRole"]


def test_keys_denials_functions_and_resources_without_a_name_are_left_out() -> None:
    assert (
        rows(
            service("a", statement("Decrypt", "kms:Decrypt", on={"Ref": "KeyArn"})),
            service("b", connects("x", effect="Deny")),
            service("c", connects("x"), trusts="lambda.amazonaws.com"),
            service("d", statement("Look", "ec2:DescribeVpcs")),
        )
        == []
    )


def test_the_page_has_the_table_only_if_a_service_uses_something() -> None:
    nothing = {"staging": environment_page.Overrides({}, ())}

    def page(*stacks: StackTemplate) -> str:
        return environment_page.Review(review_stacks([DATABASES, *stacks])).pages(nothing)["staging"]

    assert "| databases.LedgerCluster | RDS::DBCluster | /read | rds-db: connect | service-till.TaskRole |" in page(
        service("till", connects("read"))
    )
    assert "Used by services" not in page()

"""IAM decides about each part of a DynamoDB transaction as about the same action outside of one. So does the local AWS.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.local.engine_process import running
from cicd_templates.rehearsal.sessions import Session, root
from tests.integration.conftest import ENGINE_PYTHON

pytestmark = [pytest.mark.integration, pytest.mark.long]

ACCOUNT, REGION = "444444444444", "eu-west-1"
TABLES = ("parcels", "vans")
KEY = {"id": {"S": "1"}}
CHECK = {"Key": KEY, "ConditionExpression": "attribute_not_exists(id)"}
# The action that each part of a transaction needs, and the part without its table.
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ConditionCheck": ("dynamodb:ConditionCheckItem", CHECK),
    "Delete": ("dynamodb:DeleteItem", {"Key": KEY}),
    "Put": ("dynamodb:PutItem", {"Item": KEY}),
    "Update": (
        "dynamodb:UpdateItem",
        {"Key": KEY, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}},
    ),
    "Get": ("dynamodb:GetItem", {"Key": KEY}),
}
ACTIONS = {action for action, _ in PARTS.values()}


@pytest.fixture(scope="module")
def account() -> Iterator[Session]:
    with running(python=ENGINE_PYTHON, auth=True) as engine:
        session = root(engine.url, ACCOUNT, REGION, engine.secret)
        for table in TABLES:
            session.client("dynamodb").create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield session


def role_with(account: Session, name: str, grants: dict[str, set[str]]) -> Any:
    """Return DynamoDB's client of a new role. `grants` has the actions that it may perform on each table."""
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"}
        for table, actions in grants.items()
        if actions
    ]
    iam = account.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": statements}))
    return account.assume(arn).client("dynamodb")


def transact(dynamodb: Any, *parts: tuple[str, str]) -> None:
    """Make a transaction of parts, each with the name of its table."""
    items = [{part: {"TableName": table, **PARTS[part][1]}} for part, table in parts]
    operation = dynamodb.transact_get_items if parts[0][0] == "Get" else dynamodb.transact_write_items
    operation(TransactItems=items)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_transaction_needs_exactly_its_own_action(account: Session, part: str) -> None:
    action = PARTS[part][0]
    account.client("dynamodb").delete_item(TableName="parcels", Key=KEY)
    transact(role_with(account, f"only-{part}", {"parcels": {action}}), (part, "parcels"))
    with pytest.raises(ClientError, match=rf"\(AccessDeniedException\).*: .* not authorized to perform: {action} "):
        transact(role_with(account, f"all-but-{part}", {"parcels": ACTIONS - {action}}), (part, "parcels"))


@pytest.mark.parametrize(("first", "second"), [("Put", "ConditionCheck"), ("Delete", "Update"), ("Get", "Get")])
def test_each_part_is_decided_about_its_own_table(account: Session, first: str, second: str) -> None:
    one, other = {PARTS[first][0]}, {PARTS[second][0]}
    for table in TABLES:
        account.client("dynamodb").delete_item(TableName=table, Key=KEY)
    parts = ((first, "parcels"), (second, "vans"))
    transact(role_with(account, f"{first}-{second}", {"parcels": one, "vans": other}), *parts)
    with pytest.raises(ClientError, match=rf"not authorized to perform: {PARTS[second][0]} "):
        transact(role_with(account, f"{first}-{second}-elsewhere", {"parcels": one | other}), *parts)

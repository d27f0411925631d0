"""Stores payments in a DynamoDB table. The SDK finds region, address and credentials in the environment of the task."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

ACCEPTED, SETTLED = "accepted", "settled"
# The migration stores the version of the schema as an item with this key. This item is not a payment.
SCHEMA = "schema"


class Payments:
    """The table of payments, by id. A payment is accepted once and settled once."""

    def __init__(self, table: str, client: Any = None) -> None:
        self._table, self._client = table, client or boto3.client("dynamodb")

    @classmethod
    def of_the_task(cls) -> Payments:
        """Return the table that the task definition names."""
        return cls(os.environ["PAYMENTS_TABLE_NAME"])

    def accept(self, payment: str, amount: int) -> bool:
        """Store a payment. Return False, and change nothing, if it is stored already."""
        item = {"payment_id": {"S": payment}, "amount": {"N": str(amount)}, "state": {"S": ACCEPTED}}
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(payment_id)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def state(self, payment: str) -> str:
        """Return the state of a payment, or an empty string if there is none with this id."""
        found = self._client.get_item(TableName=self._table, Key={"payment_id": {"S": payment}}, ConsistentRead=True)
        return str(found["Item"]["state"]["S"]) if "Item" in found else ""

    def settle(self, payment: str) -> None:
        """Mark a payment as settled.

        SQS may deliver a message twice, so a payment that is settled already causes no error.
        """
        self._client.update_item(
            TableName=self._table,
            Key={"payment_id": {"S": payment}},
            UpdateExpression="SET #state = :settled",
            # The item with the version of the schema has no amount.
            ConditionExpression="attribute_exists(amount)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":settled": {"S": SETTLED}},
        )

    def set_schema(self, version: str) -> None:
        """Store the version of the schema."""
        self._client.put_item(
            TableName=self._table, Item={"payment_id": {"S": SCHEMA}, "state": {"S": SCHEMA}, "version": {"S": version}}
        )

    def states(self) -> Iterator[str]:
        """Return the state of every payment."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from (item["state"]["S"] for item in page["Items"] if item["payment_id"]["S"] != SCHEMA)

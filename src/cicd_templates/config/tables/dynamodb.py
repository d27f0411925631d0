"""The table `[tables.<name>]`: a DynamoDB table."""

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import matching
from cicd_templates.config.tables.table import Table

AttributeName = Annotated[
    str,
    matching(r"[A-Za-z0-9_.-]+", "write the name of an attribute, such as payment_id", 255),
]
KeyType = Literal["string", "number", "binary"]


class DynamoDbTable(Table):
    """`[tables.<name>]`: a DynamoDB table; `[environments.<name>.tables.<table>]` overrides it in one environment.

    A service uses the table if `[services.<name>.uses]` has the table's name as a key. The value of this key is
    `read` or `readwrite`.
    """

    partition_key: AttributeName = Field(
        description="Attribute whose value decides in which partition an item is stored; a change replaces the table"
    )
    partition_key_type: KeyType = Field(default="string", description="Type of the partition key")
    sort_key: AttributeName | None = Field(
        default=None,
        description="Attribute that orders the items with the same partition key; a change replaces the table",
    )
    sort_key_type: KeyType = Field(default="string", description="Type of the sort key")
    expires_at: AttributeName | None = Field(
        default=None,
        description="Attribute with the time, in seconds since 1970, after which DynamoDB deletes an item",
    )

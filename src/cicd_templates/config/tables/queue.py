"""The table `[queues.<name>]`: a queue for messages between services."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.table import Table


class QueueTable(Table):
    """`[queues.<name>]`: an SQS queue; `[environments.<name>.queues.<queue>]` overrides it in one environment.

    A service uses the queue if `[services.<name>.uses]` has the queue's name as a key. The value of this key is `send`,
    `receive` or `send-and-receive`.
    """

    visibility_seconds: Annotated[int, Field(ge=0, le=43200)] = Field(
        default=60, description="Seconds for which SQS hides a message that a task has received and not yet deleted"
    )
    max_receives: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5,
        description="How many times tasks receive a message before SQS moves it to the queue's dead-letter queue",
    )
    oldest_minutes: Annotated[int, Field(ge=1, le=20160)] = Field(
        default=15,
        description="An alarm notifies operations if the oldest message is older than this number of minutes",
    )

"""`python -m settlement.worker`: settles the payments whose ids are in the queue, until SIGTERM."""

from __future__ import annotations

import json
import os
import signal
from types import FrameType
from typing import Any

import boto3
from botocore.exceptions import ClientError

from settlement.payments import Payments

WAIT_SECONDS = 2
# What DynamoDB answers if the text of a message is not the id of a payment: no item has it, or no item can have it.
NO_PAYMENT = ("ConditionalCheckFailedException", "ValidationException")


class Worker:
    """Receives ids of payments and settles them.

    A message about no payment is not deleted. SQS delivers it again, and at last moves it to the dead-letter queue.
    """

    def __init__(self, payments: Payments, queue: str, sqs: Any) -> None:
        self._payments, self._queue, self._sqs = payments, queue, sqs
        self.is_stopping = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: stop after the payments whose messages were received."""
        self.is_stopping = True

    def work(self) -> None:
        """Settle payments until `stop` is called."""
        while not self.is_stopping:
            self.settle_batch()

    def settle_batch(self) -> None:
        """Receive up to ten messages and settle the payments."""
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS)
        for message in answer.get("Messages", ()):
            try:
                self._payments.settle(message["Body"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in NO_PAYMENT:
                    raise
                print(json.dumps({"not_settled": message["MessageId"]}), flush=True)
                continue
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            print(json.dumps({"settled": message["Body"]}), flush=True)


def main() -> None:
    """Work until SIGTERM."""
    worker = Worker(Payments.of_the_task(), os.environ["SETTLEMENTS_QUEUE_URL"], boto3.client("sqs"))
    signal.signal(signal.SIGTERM, worker.stop)
    worker.work()


if __name__ == "__main__":
    main()

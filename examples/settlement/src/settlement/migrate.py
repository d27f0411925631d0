"""Prepares the database and the table for a release: `python -m settlement.migrate VERSION`."""

from __future__ import annotations

import sys

from settlement.ledger import Ledger
from settlement.payments import Payments

if __name__ == "__main__":
    Ledger().prepare()
    Payments.of_the_task().set_schema(sys.argv[1])
    print(f"the schema is {sys.argv[1]}")

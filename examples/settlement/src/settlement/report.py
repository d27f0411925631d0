"""`python -m settlement.report`: writes how many payments are settled, and how many are not, as a line of JSON."""

from __future__ import annotations

import json
from collections import Counter

from settlement.payments import ACCEPTED, SETTLED, Payments


def report(payments: Payments) -> dict[str, int]:
    """Return the number of payments in each state."""
    counts = Counter(payments.states())
    return {state: counts[state] for state in (ACCEPTED, SETTLED)}


if __name__ == "__main__":
    print(json.dumps(report(Payments.of_the_task())))

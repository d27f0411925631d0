"""Says before a run what the run creates, how long it takes, and roughly what it costs. Does not call AWS.

The prices are list prices of us-east-1 in US dollars. They were written down from memory on `DATE` and were never
compared with the price pages of AWS. Other regions differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DATE = "2026-11-28"
SOURCE = f"prices of us-east-1 as remembered on {DATE}; not checked against the price pages of AWS"
HOURS = 4


@dataclass(frozen=True)
class Item:
    """A resource that costs money in the run: the number of such resources, and the price of one, per hour or once."""

    name: str
    count: float
    price: float
    per_hour: bool = True

    @property
    def dollars(self) -> float:
        """Return the price of all these resources for the whole run."""
        return self.count * self.price * (HOURS if self.per_hour else 1)


ITEMS = (
    Item("NAT gateway, one for each runtime environment", 2, 0.045),
    Item("public IPv4 addresses, of NAT gateways and load balancers", 6, 0.005),
    Item("application load balancer, one for each runtime environment", 2, 0.0225),
    Item("Fargate task with 0.25 vCPU and 0.5 GB, two while a release replaces another", 4, 0.0123),
    Item("KMS key, charged by the hour and until it is deleted", 5, 0.0014),
    Item("alarms and metrics of CloudWatch", 60, 0.00014),
    Item("CodeBuild minutes, small, for four releases", 120, 0.005, per_hour=False),
    Item("CodePipeline, minutes of actions", 120, 0.002, per_hour=False),
)


def total() -> float:
    """Return the estimated cost of a run in US dollars."""
    return sum(item.dollars for item in ITEMS)


def lines(*, local: bool, accounts: int, regions: list[str], checks: int) -> Iterator[str]:
    """Yield the lines that a person reads before agreeing to the run."""
    if local:
        yield f"{checks} checks on a local AWS that this run starts and stops; nothing leaves this machine."
        yield "It takes some minutes."
        return
    plural = "account" if accounts == 1 else "accounts"
    yield f"{checks} checks in {accounts} {plural}, {', '.join(regions)}; this makes there, and removes at the end:"
    yield "  about 34 CloudFormation stacks in three environments, one of which has the pipeline; a certificate for"
    yield "  each runtime environment; a role for each environment with the policies of `make deploy-policy`."
    yield f"It takes about {HOURS} hours, in which it waits for AWS, and one more until the last proof. Rough cost:"
    for item in ITEMS:
        yield f"  {item.dollars:6.2f} USD  {item.name} ({item.count:g})"
    yield f"  {total():6.2f} USD  in all; {SOURCE}"
    yield "Keys that are deleted wait for seven days or more; they cost nothing in this time."

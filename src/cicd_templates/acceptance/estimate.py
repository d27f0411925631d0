"""Estimates, before a run, what the run will create, how long it will take, and what it will cost. Does not call AWS.

The prices are list prices of us-east-1 in US dollars. They were written from memory on `DATE` and not compared with the
price pages of AWS. Prices of other regions differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cicd_templates.markdown import cell

DATE = "2026-11-28"
SOURCE = f"prices of us-east-1, written down from memory on {DATE} and not compared with the price pages of AWS"
HOURS = 6
# The number of releases of the application: three succeed, an alarm rolls one back, and the gate stops one.
RELEASES = 5


@dataclass(frozen=True)
class Item:
    """One kind of cost. An acceptance run uses about `count` units, and AWS charges `price` dollars for each unit.

    - If `per_hour` is true, AWS charges the price for each hour. Otherwise, AWS charges the price once.
    - `page` is the title of the AWS page that has the price.
    - `repeated` names a page outside AWS that shows the same price, with the date of this page. `repeated` is empty if
      no such page is known.
    - `units` maps each CloudFormation type to the number of units that AWS charges for one resource of this type.
    """

    name: str
    count: float
    price: float
    page: str
    repeated: str = ""
    per_hour: bool = True
    units: Mapping[str, float] = field(default_factory=dict)

    @property
    def dollars(self) -> float:
        """Return the estimated cost of all units in a whole run, in dollars."""
        return self.price_of(self.count, HOURS)

    def units_in(self, counts: Mapping[str, int]) -> float:
        """Return how many units AWS charges for the resources in `counts`, which maps CloudFormation types to numbers.

        If this kind of cost does not depend on resources, return `count`, the estimate for a whole run.
        """
        if not self.units:
            return self.count
        return sum(counts.get(resource_type, 0) * number for resource_type, number in self.units.items())

    def price_of(self, units: float, hours: float) -> float:
        """Return the price of the given number of units for the given number of hours."""
        return units * self.price * (hours if self.per_hour else 1)


# A load balancer has one address in each of two zones. A service runs a second task while a release replaces the first.
ITEMS = (
    Item(
        "NAT gateway, one for each runtime environment", 2, 0.045, "Amazon VPC pricing",
        "cloudpipelines.pages.dev, 2026", units={"AWS::EC2::NatGateway": 1},
    ),
    Item(
        "public IPv4 addresses of NAT gateways and load balancers", 6, 0.005, "Amazon VPC pricing",
        "factualminds.com, 2026-06-13", units={"AWS::EC2::EIP": 1, "AWS::ElasticLoadBalancingV2::LoadBalancer": 2},
    ),
    Item(
        "application load balancer, one for each runtime environment", 2, 0.0225, "Elastic Load Balancing pricing",
        units={"AWS::ElasticLoadBalancingV2::LoadBalancer": 1},
    ),
    Item(
        "Fargate task with 0.25 vCPU and 0.5 GB; two run while a release replaces the previous one", 4, 0.0123,
        "AWS Fargate pricing", "fortem.dev, 2026", units={"AWS::ECS::Service": 2},
    ),
    Item(
        "KMS key, charged by the hour until it is deleted", 5, 0.0014, "AWS KMS pricing",
        units={"AWS::KMS::Key": 1},
    ),
    Item(
        "alarms of CloudWatch; a composite alarm counts as five alarms", 64, 0.00014, "Amazon CloudWatch pricing",
        units={"AWS::CloudWatch::Alarm": 1, "AWS::CloudWatch::CompositeAlarm": 5},
    ),
    Item(
        "dashboards of CloudWatch, of which three are free", 3, 0.0042, "Amazon CloudWatch pricing",
        units={"AWS::CloudWatch::Dashboard": 1},
    ),
    Item("CodeBuild, minutes of small builds", 30 * RELEASES, 0.005, "AWS CodeBuild pricing", per_hour=False),
    Item("CodePipeline, minutes of actions", 30 * RELEASES, 0.002, "AWS CodePipeline pricing", per_hour=False),
)  # fmt: skip
# Types that are charged by the hour and that the run must not have.
OTHERS = frozenset(
    {
        "AWS::EC2::Instance",
        "AWS::EC2::TransitGateway",
        "AWS::EC2::VPNGateway",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
    }
)


def price_table() -> list[str]:
    """Return the lines of a Markdown table of prices.

    Each row names the AWS page that has the price. If a website outside AWS shows the same price, the row also names
    this website.
    """
    lines = ["| Price in US dollars | For | AWS page | Recorded on | Compared with |", "|---|---|---|---|---|"]
    for item in ITEMS:
        per = "an hour" if item.per_hour else "each"
        compared = (
            f"{item.repeated}: this website shows the same price. Nobody compared the price with the AWS page."
            if item.repeated
            else "nothing"
        )
        lines.append(f"| {item.price:g} {per} | {cell(item.name)} | {item.page} | {DATE} | {cell(compared)} |")
    return lines


def total() -> float:
    """Return the estimated cost of a run in US dollars."""
    return sum(item.dollars for item in ITEMS)


def lines(*, local: bool, accounts: int, regions: list[str], checks: int) -> Iterator[str]:
    """Yield the lines of the estimate, which a person reads before agreeing to the run."""
    if local:
        yield f"{checks} checks on a local AWS that this run starts and stops; nothing leaves this machine."
        yield "It takes some minutes."
        return
    plural = "account" if accounts == 1 else "accounts"
    yield (
        f"{checks} checks in {accounts} {plural}, {', '.join(regions)}; the run creates these resources there, and "
        "removes them at the end:"
    )
    yield "  about 34 CloudFormation stacks in two runtime environments and in tools, which has the pipeline;"
    yield "  two certificates, one for each runtime environment; three roles with the policies of `make deploy-policy`."
    yield (
        f"The run takes about {HOURS} hours, mostly waiting for AWS. One hour later, the same command runs the last "
        "check. Rough cost:"
    )
    for item in ITEMS:
        yield f"  {item.dollars:6.2f} USD  {item.name} ({item.count:g})"
    yield f"  {total():6.2f} USD  in all; {SOURCE}"
    yield "KMS deletes a key after a waiting period of at least seven days, which costs nothing."

"""Generates valid configurations that differ as much as those of different companies."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from cicd_templates.config.regions import REGIONS_WITHOUT

DIGEST = "sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb"
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGIONS = {"eu-central-1": "aws", "us-east-1": "aws", "ap-southeast-2": "aws", "us-gov-west-1": "aws-us-gov"}
# Names that are parts of others, that look like ours, and that are as long as they may be.
ENVIRONMENTS = (
    "staging",
    "production",
    "preprod",
    "reproduction",
    "prod",
    "qa-1",
    "hub",
    "a",
    "twelve-chars",
    "all-in",
)
SERVICES = ("web", "web-api", "api", "a", "keys", "network", "checkout2", "a-service-with-long-name")
PROJECTS = ("a", "shop", "tools", "acme-pay", "sixteen-chars-it")
PATTERNS = ("/*", "/api/*", "/web/*", "/a/b/*", "/static-1/*")
FARGATE = ((256, 512), (256, 2048), (512, 1024), (4096, 30720))
STAKEHOLDERS = {group: [f"{group}@example.com"] for group in ("developers", "security", "operations", "approvers")}
CHECKS = {
    "unit-tests": {"preset": "unit-tests"},
    "bandit": {"preset": "bandit"},
    "safety": {"preset": "safety"},
    "snyk": {"preset": "snyk"},
    "secrets": {"preset": "secrets"},
    "own": {
        "image": f"public.ecr.aws/docker/library/node@{DIGEST}",
        "commands": ["make report"],
        "format": "sarif",
        "tool": "own-tool",
        "version": "echo 1",
    },
}
Raw = dict[str, Any]


def toml(value: Any) -> str:
    """Return a value as TOML on one line; a table becomes an inline table."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(content)}" for key, content in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


@st.composite
def configurations(draw: st.DrawFn) -> Raw:
    """Return the content of an `environments.toml`: one to four environments, one to three services."""
    region = draw(st.sampled_from(sorted(REGIONS)))
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=3, unique=True))
    names = draw(st.lists(st.sampled_from(ENVIRONMENTS), min_size=1, max_size=4, unique=True))
    tools = draw(st.sampled_from(("tools", "delivery-hub", "z")))
    boundary, role_path = draw(st.booleans()), draw(st.sampled_from(("/", "/delivery/", "/a/b/")))
    environments: Raw = {tools: draw(settings(region, accounts, "tools"))}
    for number, name in enumerate(names):
        environments[name] = draw(runtimes(region, accounts, number))
    for table in environments.values():
        table["role_path"] = role_path
        if boundary:
            table["permissions_boundary"] = f"arn:{REGIONS[region]}:iam::{table['account']}:policy/boundary"
    # With no way to the internet anywhere, images are private and nothing tests from outside.
    closed = any(environments[name]["nat"] == "none" for name in names)
    return {
        "project": {"name": draw(st.sampled_from(PROJECTS)), "owner": "team", "cost_center": "cc-1"},
        "pipeline": {"path": draw(st.permutations(names))},
        "services": draw(services(region, environments[tools]["account"], closed=closed)),
        "environments": environments,
    }


def settings(region: str, accounts: list[str], kind: str) -> st.SearchStrategy[Raw]:
    """Return the settings of every environment."""
    return st.sampled_from((("protected", 365), ("protected", 3653), ("disposable", 1), ("disposable", 30))).flatmap(
        lambda protection: st.fixed_dictionaries(
            {
                "kind": st.just(kind),
                "account": st.sampled_from(accounts),
                "region": st.just(region),
                "protection": st.just(protection[0]),
                "log_retention_days": st.just(protection[1]),
                "stakeholders": st.just(STAKEHOLDERS),
            }
        )
    )


@st.composite
def runtimes(draw: st.DrawFn, region: str, accounts: list[str], number: int) -> Raw:
    """Return the table of a runtime environment, whose network range no other environment has."""
    table = draw(settings(region, accounts, "runtime"))
    zones = draw(st.integers(2, 3))
    table |= {
        "cidr": f"10.{10 * number}.0.0/16",
        "zones": [f"{region}{letter}" for letter in "abc"[:zones]],
        "nat": draw(st.sampled_from(("single", "per-zone", "none"))),
        "endpoints": draw(st.sampled_from(("gateway", "all"))),
    }
    if table["nat"] == "none":
        table["endpoints"] = "all"
    if table["protection"] == "disposable" and draw(st.booleans()):
        table["allow_http"] = True
    else:
        certificate = f"certificate/00000000-0000-4000-8000-00000000000{number}"
        table["certificate_arn"] = f"arn:{REGIONS[region]}:acm:{region}:{table['account']}:{certificate}"
        table["domain"] = f"e{number}.example.com"
    if table["nat"] != "none" and draw(st.booleans()):
        subnets = [f"subnet-0123456789abcde{side}{zone}" for side in range(2) for zone in range(zones)]
        table["provided"] = {
            "network.VpcId": f"vpc-0123456789abcdef{number}",
            "network.PublicSubnetIds": ",".join(subnets[:zones]),
            "network.PrivateSubnetIds": ",".join(subnets[zones:]),
            # The smoke hook's test listener admits only these.
            "network.NatRanges": "203.0.113.7/32",
        }
    if draw(st.booleans()):
        table |= {"deployment_window": "* * 8-16 ? * MON-THU", "time_zone": "Pacific/Auckland"}
    return table


@st.composite
def services(draw: st.DrawFn, region: str, tools_account: str, *, closed: bool) -> Raw:
    """Return the tables of one to three services behind paths of their own."""
    names = draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=3, unique=True))
    patterns = draw(st.lists(st.sampled_from(PATTERNS), min_size=len(names), max_size=len(names), unique=True))
    connection = f"arn:{REGIONS[region]}:codeconnections:{region}:{tools_account}:connection/0123-abcd"
    tables: Raw = {}
    for name, pattern in zip(names, patterns, strict=True):
        cpu, memory = draw(st.sampled_from(FARGATE))
        checks = draw(st.lists(st.sampled_from(sorted(CHECKS)), min_size=1, max_size=4, unique=True))
        table: Raw = {
            "path_pattern": pattern,
            "cpu": cpu,
            "memory": memory,
            "port": draw(st.sampled_from((1024, 8080))),
        }
        table |= {"checks": {check: CHECKS[check] for check in checks}}
        table |= draw(rollouts(closed=closed))
        if region not in REGIONS_WITHOUT["CodeConnections"] and draw(st.booleans()):
            repository = {"repository": f"acme/{name}", "branch": draw(st.sampled_from(("main", "release/2")))}
            table |= {"source": "github", "github": repository | {"connection_arn": connection}}
        optional = {
            "path": f"services/{name}",
            "environment": {"LOG_LEVEL": "info"},
            "secrets": {"DATABASE_PASSWORD": "database-password", "SHARED": "/shared/value"},
            "architecture": "arm64",
            "audited_exec": True,
            "backend_tls": True,
            "integration": ["python3 integration.py"],
        }
        chosen = draw(st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True))
        if closed or "backend_tls" in chosen:
            table["image"] = f"{tools_account}.dkr.ecr.{region}.amazonaws.com/base@{DIGEST}"
        tables[name] = table | {key: optional[key] for key in chosen}
    return tables


@st.composite
def rollouts(draw: st.DrawFn, *, closed: bool) -> Raw:
    """Return the settings that say how a service is replaced and scaled."""
    table: Raw = {"rollout": draw(st.sampled_from(("rolling", "blue-green", "linear", "canary")))}
    table["rollback_on_alarm"] = table["rollout"] != "rolling" or draw(st.booleans())
    if table["rollout"] != "rolling":
        table["hooks"] = draw(st.sampled_from(([], ["verify-image"], ["verify-image", "smoke"])))
        if closed:
            table["hooks"] = [hook for hook in table["hooks"] if hook != "smoke"]
    if draw(st.booleans()):
        table["autoscaling"] = {"minimum": 1, "maximum": draw(st.integers(2, 9)), "cpu_percent": 60}
    return table

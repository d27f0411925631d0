"""Returns the text of `environments.toml` for a new project, with comments. This module does not write the file."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cicd_templates.config.validation.regions import CHECKED_PARTITIONS
from cicd_templates.errors import ConfigurationError
from cicd_templates.template.partitions import partition_of

TOOLS = "tools"
# The certificates, connections and domains are not known yet. Their values are placeholders, such as ARNs with this id.
# The command doctor reports placeholders.
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
FIRST_RANGE, RANGE_STEP, MOST_ENVIRONMENTS = 20, 10, 12


@dataclass(frozen=True)
class NewProject:
    """The answers of a user who starts a new project.

    - `environments` are the runtime environments, in the order in which a release reaches them. The last one is
      protected.
    - `accounts` has one account for all environments, or one for each environment, beginning with tools.
    - `email` is the address for notifications.
    """

    project: str
    services: Sequence[str]
    environments: Sequence[str]
    accounts: Sequence[str]
    region: str
    source: str
    email: str


def wrong_numbers(start: NewProject) -> list[tuple[str, str]]:
    """Return the problems of answers that have too many values, too few values, or the same value twice.

    Each problem is a pair: the name of a question, and a message.
    """
    names = [TOOLS, *start.environments]
    problems = []
    if not start.services:
        problems.append(("services", "name at least one service, such as billing-api"))
    if TOOLS in start.environments:
        problems.append(("environments", f"the environment {TOOLS} is always added; leave it out of the environments"))
    for what, given in (("services", start.services), ("environments", start.environments)):
        twice = [name for name, count in Counter(given).items() if count > 1]
        if twice:
            problems.append((what, f"the {what} contain a name twice: {', '.join(twice)}; give each name once"))
    if not 0 < len(start.environments) <= MOST_ENVIRONMENTS:
        problems.append(("environments", f"name 1 to {MOST_ENVIRONMENTS} environments, such as staging,production"))
    elif len(start.accounts) not in (1, len(names)):
        problems.append(
            (
                "accounts",
                f"{len(start.accounts)} accounts are given; name one for all environments, or one for each of"
                f" {', '.join(names)}, in this order",
            )
        )
    return problems


def starter_text(start: NewProject) -> str:
    """Return the text of `environments.toml` for a new project.

    Raises `ConfigurationError` if the number of accounts or of environments is wrong, or if a name is given twice.
    """
    for _, message in wrong_numbers(start):
        raise ConfigurationError(message)
    names = [TOOLS, *start.environments]
    every = start.accounts if len(start.accounts) > 1 else [*start.accounts] * len(names)
    accounts = dict(zip(names, every, strict=True))
    return "\n".join(_lines(start, accounts)) + "\n"


def _quoted(text: str) -> str:
    """Return `text`, which has only printable characters, as a string of TOML."""
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    """Return `name` as a key of TOML, quoted if TOML requires it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _lines(start: NewProject, accounts: dict[str, str]) -> Iterator[str]:
    path = ", ".join(map(_quoted, start.environments))
    yield "# The only file to edit: `make render` turns it into out/. docs/configuration.md explains every key."
    yield ""
    yield "[project]"
    yield f"name = {_quoted(start.project)}  # all names in AWS begin with it; do not change it later"
    yield f"owner = {_quoted(f'{start.project}-team')}"
    yield f"cost_center = {_quoted(start.project)}"
    partition = partition_of(start.region).name
    if partition not in CHECKED_PARTITIONS:
        yield f'unchecked_partitions = ["{partition}"]  # service names and endpoints in this partition are unchecked'
    yield ""
    yield "[pipeline]"
    yield f"path = [{path}]  # the environments, in the order in which a release reaches them"
    yield 'weaker_policy = "refuse"  # an application cannot lower the gate with its scan-policy.toml'
    for number, service in enumerate(start.services):
        yield from _service(start, service, accounts[TOOLS], first=number == 0)
    yield from _environment(start, TOOLS, accounts[TOOLS])
    for number, name in enumerate(start.environments):
        yield from _environment(start, name, accounts[name], number)


def _service(start: NewProject, name: str, tools_account: str, *, first: bool) -> Iterator[str]:
    yield ""
    yield f"[services.{_key(name)}]"
    yield "port = 8080"
    if not first:
        yield f"path_pattern = {_quoted(f'/{name}/*')}  # the application serves its paths below /{name}/"
    if start.source == "github":
        partition = partition_of(start.region).name
        connection = f"arn:{partition}:codeconnections:{start.region}:{tools_account}:connection/{UNKNOWN_ID}"
        yield 'source = "github"'
        yield ""
        yield f"[services.{_key(name)}.github]"
        yield f"repository = {_quoted(f'your-organisation/{name}')}  # replace it"
        hint = "create the connection in the AWS console of the tools account, and write its ARN here"
        yield f"connection_arn = {_quoted(connection)}  # {hint}"
    yield ""
    yield f"[services.{_key(name)}.checks]"
    yield "# These checks need no token. The gate stops a release if a check finds something or has no report."
    yield 'unit-tests = { preset = "unit-tests" }'
    yield 'bandit = { preset = "bandit" }'
    yield 'pip-audit = { preset = "pip-audit" }'
    yield 'secrets = { preset = "secrets" }'
    yield "# Each of these checks needs a token. Remove the #, render, deploy the tools environment, run `make secret`."
    yield '# safety = { preset = "safety" }'
    yield '# snyk = { preset = "snyk" }'


def _environment(start: NewProject, name: str, account: str, number: int | None = None) -> Iterator[str]:
    protected = name in (TOOLS, start.environments[-1])
    yield ""
    yield f"[environments.{_key(name)}]"
    yield f'kind = "{TOOLS if number is None else "runtime"}"'
    yield f"account = {_quoted(account)}"
    yield f"region = {_quoted(start.region)}"
    if protected:
        approved = "" if number is None else ", and a person approves every release"
        yield f'protection = "protected"  # data outlives its stacks{approved}'
    else:
        yield 'protection = "disposable"  # `make destroy` deletes everything; releases arrive without approval'
    yield f"log_retention_days = {365 if protected else 30}"
    if number is not None:
        yield from _network(start, name, account, number, protected=protected)
    yield ""
    yield f"[environments.{_key(name)}.stakeholders]"
    approvers = ("approvers",) if protected and number is not None else ()
    for group in ("developers", "security", "operations", *approvers):
        yield f"{group} = [{_quoted(start.email)}]"


def _zones(region: str) -> list[str]:
    """Return two availability zones of a region. The zones `a` and `b` do not exist in every region."""
    # This import takes a second, and only a new project needs it.
    from cfnlint.helpers import AVAILABILITY_ZONES

    # Local Zones and Wavelength Zones have longer names.
    known = [zone for zone in AVAILABILITY_ZONES.get(region, ()) if zone[:-1] == region]
    return known[:2] if len(known) > 1 else [f"{region}{letter}" for letter in "ab"]


def _network(start: NewProject, name: str, account: str, number: int, *, protected: bool) -> Iterator[str]:
    yield f'cidr = "10.{FIRST_RANGE + RANGE_STEP * number}.0.0/16"'
    shown = f"aws ec2 describe-availability-zones --region {start.region}"
    zones = ", ".join(map(_quoted, _zones(start.region)))
    yield f"zones = [{zones}]  # your account may not have all of these zones; to list its zones: {shown}"
    yield f'nat = "{"per-zone" if protected else "single"}"  # one NAT gateway for each zone, or one for all of them'
    if protected:
        arn = f"arn:{partition_of(start.region).name}:acm:{start.region}:{account}:certificate/{UNKNOWN_ID}"
        yield f"domain = {_quoted(f'{name}.{start.project}.example.com')}  # use your own domain and certificate"
        yield f"certificate_arn = {_quoted(arn)}"
    else:
        yield "allow_http = true  # replace it by certificate_arn and domain when you have a certificate"

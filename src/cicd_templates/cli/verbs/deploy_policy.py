"""The command `deploy-policy`, which prints the IAM policies for a person who deploys. It does not call AWS."""

from __future__ import annotations

import json

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import SUFFIX, make_option
from cicd_templates.errors import ConfigurationError


@verb(
    "deploy-policy",
    make_option("--env", "env", variable="ENV", help="The environment to deploy."),
    SUFFIX,
    make_option(
        "--destroying",
        variable="DESTROYING",
        is_flag=True,
        help="Also allow the commands destroy, sweep and adopt.",
    ),
    make_option("--part", variable="PART", type=click.IntRange(min=1), help="Print only the policy with this number."),
)
def deploy_policy(env: str | None, suffix: str | None, destroying: bool, part: int | None) -> None:
    """Print the IAM policies that are needed to deploy an environment, as JSON. Does not call AWS."""
    from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
    from cicd_templates.deploy.permissions.policies import SIZE_LIMIT, policies
    from cicd_templates.files.paths import rendered_folder

    if env is None:
        raise ConfigurationError(f"which environment is to be deployed? Name it with {hints.option('ENV')}")
    stacks = read_stacks(rendered_folder(suffix) / selection.environment(env, suffix).qualified)
    documents = policies(stacks, destroying=destroying)
    if part is None:
        terminal.show_page(json.dumps(documents, indent=2))
        if len(documents) > 1:
            attach = (
                f"{len(documents)} policies, because a managed policy holds at most {SIZE_LIMIT:,} characters:"
                " attach all of them"
            )
            terminal.show(f"{attach}; {hints.option('PART', 'N')} prints only one policy", err=True)
    elif part <= len(documents):
        terminal.show_page(json.dumps(list(documents.values())[part - 1], indent=2))
    else:
        raise ConfigurationError(f"part {part} does not exist; the policies of {env} have {len(documents)} parts")

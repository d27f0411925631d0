"""Reads the stacks of the run from AWS, with the credentials of the user."""

from __future__ import annotations

from cicd_templates.acceptance.check import Bench

GONE = "DELETE_COMPLETE"


def stacks_of(bench: Bench, environment: str) -> dict[str, str]:
    """Return the status of each stack of an environment by the stack's name, without deleted stacks."""
    pages = bench.clients(environment).cloudformation.get_paginator("list_stacks").paginate()
    found = [summary for page in pages for summary in page["StackSummaries"]]
    prefix = f"{bench.project.name(environment)}-"
    return {
        summary["StackName"]: summary["StackStatus"]
        for summary in found
        if summary["StackName"].startswith(prefix) and summary["StackStatus"] != GONE
    }

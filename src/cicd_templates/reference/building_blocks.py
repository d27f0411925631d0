"""Generates tables of the building blocks and grants that users need most often in their own layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cicd_templates.blocks import (
    alarms,
    bucket_access,
    buckets,
    keys,
    lambda_functions,
    log_groups,
    queues,
    removal_policies,
    roles,
    secrets,
    tables,
    topics,
)
from cicd_templates.layer import iam

Function = Callable[..., Any]

BLOCKS: tuple[Function, ...] = (
    buckets.encrypted_bucket,
    buckets.encrypted_bucket_policy,
    buckets.refuse_replacement,
    queues.encrypted_queue,
    queues.work_queue,
    queues.dead_letters_of,
    queues.work_queue_alarms,
    queues.tls_only,
    queues.queue_offer,
    tables.encrypted_table,
    tables.throttle_alarms,
    tables.table_offer,
    topics.topic,
    topics.topic_policy,
    topics.subscriptions,
    secrets.generated_secret,
    log_groups.log_group,
    lambda_functions.inline_function,
    roles.service_role,
    alarms.alarm,
    removal_policies.stateful,
    removal_policies.transient,
    removal_policies.because,
)
GRANTS: tuple[Function, ...] = (
    iam.allow,
    iam.deny,
    bucket_access.may_read,
    bucket_access.may_list,
    bucket_access.may_put,
    bucket_access.may_not_put,
    bucket_access.may_read_and_put,
    bucket_access.may_find,
    bucket_access.may_read_tagged,
    bucket_access.may_put_tagged,
    queues.may_send,
    keys.may_decrypt,
    keys.may_encrypt,
    keys.may_use_through,
    log_groups.may_write,
)


def table(functions: Sequence[Function]) -> list[str]:
    """Return a table with one line for each function: its module, its required arguments and the first sentence of its
    docstring.
    """
    lines = ["", "| Function | What it does |", "|---|---|"]
    for function in functions:
        module = function.__module__.removeprefix("cicd_templates.")
        lines.append(
            f"| `{module}.{function.__name__}({', '.join(_required(function))})` | {_first_sentence(function)} |"
        )
    return [*lines, ""]


def _required(function: Function) -> list[str]:
    """Return the arguments that have no default value. If an argument must be passed by name, `=` is appended."""
    written: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*{}", inspect.Parameter.KEYWORD_ONLY: "{}="}
    return [
        written.get(argument.kind, "{}").format(argument.name)
        for argument in inspect.signature(function).parameters.values()
        if argument.default is argument.empty
    ]


def _first_sentence(function: Function) -> str:
    text = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    return text.partition(". ")[0].removesuffix(".")

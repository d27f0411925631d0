"""Decides in which order stacks are deleted, and runs the deletions: a stack goes before those that it reads from."""

from __future__ import annotations

import contextlib
import graphlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from cicd_templates.deploy.destruction.deployed import DeployedStack
from cicd_templates.errors import CicdError
from cicd_templates.template import links

ROLE_TYPE = "AWS::IAM::Role"
STACKS_AT_A_TIME = 4


def stack_dependencies(stacks: Iterable[DeployedStack]) -> dict[str, set[str]]:
    """Return, for each stack, those that must exist until it is deleted: what it reads from, and its role's stack.

    CloudFormation deletes a stack with the role that it was deployed with, and cannot once that role is gone:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    stacks = list(stacks)
    needed = links.producers(stack.links for stack in stacks)
    roles = {
        owned.physical_id: stack.name
        for stack in stacks
        for owned in stack.resources
        if owned.resource_type == ROLE_TYPE
    }
    for stack in stacks:
        owner = roles.get(role_name(stack))
        if owner and owner != stack.name:
            needed[stack.name].add(owner)
    return needed


def role_name(stack: DeployedStack) -> str:
    """Return the name of the role that CloudFormation uses for a stack; empty where it acts as the caller."""
    return (stack.role or "").rpartition("/")[2]


def delete_in_order(
    dependencies: Mapping[str, set[str]],
    delete: Callable[[str], str],
    skip: Callable[[str, list[str]], None],
    stopping: threading.Event,
) -> None:
    """Call `delete` for every stack, after all stacks that depend on it; independent ones in parallel, four at a time.

    `delete` returns the reason of a failure. A stack that a failed one depends on is not deleted: `skip` is called with
    it and with the stacks that still depend on it. Raises `CicdError` where stacks depend on each other in a circle.
    Where one call raises, `stopping` is set, no further deletion begins, and the others end at their next look at it.
    """
    readers: dict[str, set[str]] = {name: set() for name in dependencies}
    for name, producers in dependencies.items():
        for producer in producers & dependencies.keys():
            readers[producer].add(name)
    sorter = graphlib.TopologicalSorter(readers)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CicdError(f"these stacks depend on each other in a circle: {', '.join(error.args[1])}") from None
    stuck: set[str] = set()
    running: dict[Future[str], str] = {}
    with _workers(stopping) as pool:
        while sorter.is_active():
            for name in sorted(sorter.get_ready()):
                if blocking := sorted(readers[name] & stuck):
                    skip(name, blocking)
                    stuck.add(name)
                    sorter.done(name)
                else:
                    running[pool.submit(delete, name)] = name
            if running:
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(ended)
                    if ended.result():
                        stuck.add(name)
                    sorter.done(name)


@contextlib.contextmanager
def _workers(stopping: threading.Event) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(STACKS_AT_A_TIME)
    try:
        yield pool
    except BaseException:
        stopping.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)

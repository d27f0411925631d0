"""Deletes stacks in the right order: a stack only after all stacks that depend on it."""

from __future__ import annotations

import contextlib
import graphlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack
from cicd_templates.errors import CicdError
from cicd_templates.template import stack_graph

ROLE_TYPE = "AWS::IAM::Role"
STACKS_AT_A_TIME = 4


def stack_dependencies(stacks: Iterable[DeployedStack]) -> dict[str, set[str]]:
    """Return, for each stack, the names of the stacks that must be deleted later than this stack:

    - the stacks whose values the stack reads
    - the stack with the deployment role, because CloudFormation also uses this role to delete the stack:
      https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    stacks = list(stacks)
    needed = stack_graph.producers(stack.links for stack in stacks)
    roles = {
        owned.physical_id: stack.name
        for stack in stacks
        for owned in stack.resources
        if owned.resource_type == ROLE_TYPE
    }
    for stack in stacks:
        owner = roles.get(deployment_role_name(stack))
        if owner and owner != stack.name:
            needed[stack.name].add(owner)
    return needed


def deployment_role_name(stack: DeployedStack) -> str:
    """Return the name of the role that CloudFormation uses for a stack, or an empty string if it uses none."""
    return (stack.role or "").rpartition("/")[2]


def delete_in_order(
    dependencies: Mapping[str, set[str]],
    delete: Callable[[str], str],
    skip: Callable[[str, list[str]], None],
    stopping: threading.Event,
) -> None:
    """Call `delete` for each stack as soon as all stacks that depend on it are deleted. Up to four calls run at a time.

    - `delete` returns an empty string, or the reason why the stack could not be deleted.
    - If a stack could not be deleted, the stacks on which it depends are not deleted either. For each of these stacks,
      `skip` is called with the name of the stack and the names of the stacks that block its deletion.

    Raises `CicdError` if the dependencies have a cycle. If `delete` raises an exception, no further deletion begins,
    and `stopping` is set, so that deletions that are running can end early.
    """
    readers: dict[str, set[str]] = {name: set() for name in dependencies}
    for name, producers in dependencies.items():
        for producer in producers & dependencies.keys():
            readers[producer].add(name)
    sorter = graphlib.TopologicalSorter(readers)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CicdError(f"these stacks depend on each other in a cycle: {', '.join(error.args[1])}") from None
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

"""In which order stacks go, and as many at once as may: what reads goes before what it reads from."""

from __future__ import annotations

import contextlib
import graphlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from cicd_templates.deploy.destruction.deployed import Deployed
from cicd_templates.errors import CicdError
from cicd_templates.template import links

ROLE_TYPE = "AWS::IAM::Role"
STACKS_AT_A_TIME = 4


def needed_by(stacks: Iterable[Deployed]) -> dict[str, set[str]]:
    """For each stack those that have to be there until it is gone: what it reads from, and the stack of its role.

    CloudFormation keeps the role that a stack was given and deletes the stack as that role; without it nobody can:
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


def role_name(stack: Deployed) -> str:
    """The name of the role that CloudFormation uses for a stack; empty where it uses the caller's rights."""
    return (stack.role or "").rpartition("/")[2]


def walk(
    needed: Mapping[str, set[str]],
    work: Callable[[str], str],
    refuse: Callable[[str, list[str]], None],
    stopping: threading.Event,
) -> None:
    """Do `work` on every stack, each after all that need it, those that do not need each other side by side.

    `work` gives back the reason where it failed. What a failed stack needs is not worked on: `refuse` is told, with
    the stacks that still need it. Raises `CicdError` where stacks need each other in a circle. `stopping` is set where
    the walk has to end early: it begins nothing more, and waits until what works on a stack has seen that.
    """
    readers: dict[str, set[str]] = {name: set() for name in needed}
    for name, producers in needed.items():
        for producer in producers & needed.keys():
            readers[producer].add(name)
    sorter = graphlib.TopologicalSorter(readers)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise CicdError(f"these stacks need each other in a circle: {', '.join(error.args[1])}") from None
    stuck: set[str] = set()
    under_way: dict[Future[str], str] = {}
    with _workers(stopping) as pool:
        while sorter.is_active():
            for name in sorted(sorter.get_ready()):
                if blocking := sorted(readers[name] & stuck):
                    refuse(name, blocking)
                    stuck.add(name)
                    sorter.done(name)
                else:
                    under_way[pool.submit(work, name)] = name
            if under_way:
                for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                    name = under_way.pop(ended)
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

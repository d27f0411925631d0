"""Threads that read: they answer or raise later, and nobody waits for them at the end."""

from __future__ import annotations

import threading

import pytest

from cicd_templates.deploy.aws.readers import Readers

SECONDS = 10.0


def test_answers_and_errors_arrive_when_they_are_used() -> None:
    def refuse() -> None:
        raise KeyError("not here")

    with Readers(2) as readers:
        answer, refusal = readers.submit(lambda: 42), readers.submit(refuse)

        assert answer.result(SECONDS) == 42
        with pytest.raises(KeyError, match="not here"):
            refusal.result(SECONDS)


def test_several_calls_run_at_the_same_time() -> None:
    together = threading.Barrier(3)
    with Readers(3) as readers:
        calls = [readers.submit(lambda: together.wait(SECONDS)) for _ in range(3)]

        assert sorted(call.result(SECONDS) for call in calls) == [0, 1, 2]


def test_a_call_may_begin_further_calls() -> None:
    with Readers(1) as readers:
        inner = readers.submit(lambda: readers.submit(lambda: "later")).result(SECONDS)

        assert inner.result(SECONDS) == "later"


def test_the_end_waits_for_no_call_and_begins_none() -> None:
    begun, go_on, ran = threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        begun.set()
        go_on.wait(SECONDS)

    others = set(threading.enumerate())
    with Readers(1) as readers:
        running = readers.submit(slow)
        waiting = readers.submit(lambda: ran.append("too late"))
        begun.wait(SECONDS)
        (thread,) = set(threading.enumerate()) - others
    assert not running.done()
    go_on.set()
    thread.join(SECONDS)

    assert (running.done(), waiting.done(), ran, thread.is_alive(), thread.daemon) == (True, False, [], False, True)

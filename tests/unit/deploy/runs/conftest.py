"""Tests that fail since the simulated CloudFormation answers as AWS does: a stack in review has no tags."""

from __future__ import annotations

import pytest

WITHOUT_TAGS = frozenset(
    {
        "test_a_change_set_that_is_refused_says_why",
        "test_a_new_plan_takes_the_place_of_the_one_before",
        "test_a_run_that_was_killed_before_its_call_asks_again_for_the_same",
        "test_a_run_that_was_killed_while_it_looked_leaves_nothing_to_the_next",
        "test_a_stack_that_cannot_be_planned_leaves_no_plan_and_nothing_in_review",
        "test_a_stack_that_cannot_be_planned_stays_failed_where_its_wave_is_declined",
        "test_a_wave_that_is_looked_at_when_another_is_refused_is_discarded",
        "test_an_existing_stack_that_has_not_published_its_outputs_yet_is_waited_for",
        "test_another_plan_than_the_interrupted_one_discards_what_was_not_begun",
        "test_credentials_that_end_are_no_success_and_no_failure[DescribeChangeSet]",
        "test_credentials_that_end_are_no_success_and_no_failure[ExecuteChangeSet]",
        "test_declining_discards_what_was_shown",
        "test_one_plan_is_discarded_by_its_file",
        "test_whatever_happens_the_report_is_the_truth_and_nothing_unseen_is_executed",
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not WITHOUT_TAGS.isdisjoint((item.name, item.name.partition("[")[0])):
            reason = "the deployer takes its own stack in review, which has no tags, for a stranger's"
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason))

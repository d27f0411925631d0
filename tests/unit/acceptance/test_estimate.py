"""What is said before a run: what it makes, how long it takes, and what it costs."""

from __future__ import annotations

import pytest

from cicd_templates.acceptance import estimate


def test_each_price_has_its_page_and_says_what_it_was_compared_with() -> None:
    rows = estimate.price_table()[2:]

    assert len(rows) == len(estimate.ITEMS)
    assert all(f"pricing | {estimate.DATE} |" in row for row in rows)
    assert rows[0].endswith(
        "| cloudpipelines.pages.dev, 2026: this website shows the same price."
        " Nobody compared the price with the AWS page. |"
    )
    assert rows[-1].endswith("| nothing |")


def test_on_the_local_aws_nothing_is_paid() -> None:
    text = " ".join(estimate.lines(local=True, accounts=3, regions=["eu-central-1"], checks=20))

    assert "20 checks on a local AWS" in text
    assert "USD" not in text


@pytest.mark.parametrize(("accounts", "words"), [(1, "1 account, eu-central-1"), (3, "3 accounts, eu-central-1")])
def test_on_aws_every_item_has_a_price_and_all_have_a_sum(accounts: int, words: str) -> None:
    lines = list(estimate.lines(local=False, accounts=accounts, regions=["eu-central-1"], checks=20))
    prices = [float(line.split()[0]) for line in lines if "USD" in line]

    assert words in lines[0]
    assert prices[-1] == pytest.approx(sum(prices[:-1]), abs=0.05)
    assert estimate.total() == pytest.approx(prices[-1], abs=0.01)
    assert any(f"written down from memory on {estimate.DATE}" in line for line in lines)

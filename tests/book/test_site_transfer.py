"""What a first visit transfers, compressed: sizes, not timings."""

import pytest

from .conftest import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("transfer")]

MEGABYTE = 1_000_000
PLAIN = 0.8 * MEGABYTE
WITH_EXPLORERS = 1.8 * MEGABYTE


@pytest.mark.parametrize("page", PAGES)
def test_a_first_visit_stays_within_its_budget(page, site, server, visit):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    budget = WITH_EXPLORERS if "widget-state+json" in text else PLAIN
    server.sent.clear()
    with visit(f"{server.url}/{page}.html"):
        pass
    total = sum(server.sent.values())
    largest = sorted(server.sent.items(), key=lambda item: -item[1])[:6]
    print(f"{page}: {total / MEGABYTE:.2f} MB of {budget / MEGABYTE} MB; {largest}")
    assert f"{page}.html" in server.sent
    assert total <= budget, f"{total:,} bytes; the largest: {largest}"

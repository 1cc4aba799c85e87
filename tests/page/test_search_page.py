"""The search page in a browser, in front of a server."""

import numpy as np

from tests.browser import visit


def results(page):
    """Return the ids of the results, in the order of the page."""
    page.wait_for_selector(".result")
    return page.locator(".result .id").all_inner_texts()


def test_a_row_is_picked_and_its_neighbours_are_shown(browser, server, digits):
    with visit(browser, server.url) as page:
        page.get_by_role("button", name="Row digit 005").click()
        page.get_by_text("to row digit 005 of left").wait_for()
        expected = digits.index.search("right", digits.index.tables["left"].vectors[5], 10, {})
        assert results(page) == [row[0] for row in expected]
        shown = page.locator(".score").all_inner_texts()
        np.testing.assert_allclose([float(s) for s in shown], [r[1] for r in expected], atol=6e-4)

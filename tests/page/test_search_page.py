"""The search page in a browser, in front of a server."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser import visit

from .conftest import ATTACK
from .serving import expected, served


def results(page):
    """Return the ids of the results, in the order of the page."""
    page.wait_for_selector(".result")
    return page.locator(".result .id").all_inner_texts()


def ids_of(*search, **conditions):
    """Return the ids that a search in Python finds."""
    return [hit.id for hit in expected(*search, **conditions)]


def vector_of(made, modality, row):
    (found,) = made.index.get(modality, [made.ids[row]], vectors=True)
    return found.vector


def test_a_row_is_picked_and_its_neighbours_are_shown(browser, server, digits):
    with visit(browser, server) as page:
        page.get_by_role("button", name="Row digit 005").click()
        page.get_by_text("to row digit 005 of left").wait_for()
        found = expected(digits, "right", vector_of(digits, "left", 5))
        assert results(page) == [hit.id for hit in found]
        shown = [float(text) for text in page.locator(".score").all_inner_texts()]
        np.testing.assert_allclose(shown, [hit.score for hit in found], rtol=0, atol=6e-4)
        page.locator(".result img").nth(9).wait_for()  # pictures are loaded after the rows
        assert page.locator(".result img").count() == 10
        page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth)")


def test_the_partner_is_marked_and_its_rank_is_told(browser, server, digits):
    with visit(browser, server) as page:
        for row in range(24):
            vector = vector_of(digits, "left", row)
            rank = 1 + ids_of(digits, "right", vector, 200).index(digits.ids[row])
            page.get_by_role("button", name=f"Row digit {row:03d}").click()
            sentence = "is the nearest." if rank == 1 else f"has rank {rank}."
            page.get_by_text(f"to row digit {row:03d} of left. Its partner {sentence}").wait_for()
            assert page.locator(".partner").count() == (1 if rank <= 10 else 0)


def test_the_list_of_rows_has_pages_and_opens_ids(browser, server, digits):
    with visit(browser, server, expected=("404",)) as page:
        page.get_by_text("1–24 of 200").wait_for()
        page.get_by_role("button", name="Next").click()
        page.get_by_text("25–48 of 200").wait_for()
        page.get_by_role("button", name="Row digit 030").wait_for()
        page.get_by_label("Row with the id").fill("digit 177")
        page.get_by_label("Row with the id").press("Enter")
        page.get_by_text("to row digit 177 of left").wait_for()
        page.get_by_label("Row with the id").fill("nobody")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("alert").get_by_text("no row 'nobody'").wait_for()
        # the mistake is on the page until the next search succeeds
        page.get_by_label("Row with the id").fill("digit 003")
        page.get_by_label("Row with the id").press("Enter")
        page.get_by_text("to row digit 003 of left").wait_for()
        assert page.locator("#alert").is_hidden()


def test_what_is_drawn_is_what_the_encoder_gets(browser, server, digits):
    with visit(browser, server) as page:
        page.get_by_role("tab", name="Draw").click()
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("alert").get_by_text("Draw something first.").wait_for()
        box = page.locator(".drawing").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4, steps=8)
        page.mouse.up()
        found = results(page)
        page.get_by_text("rows of right for your drawing.").wait_for()
        row = np.array(page.posted[-1]["query"]["input"])
        assert row.shape == (8, 4)
        assert row.min() == 0
        assert row.max() <= 1
        np.testing.assert_allclose(row, row[:, ::-1], atol=1 / 255)  # the line is in the middle
        assert (row[:, 1] > 0.2).all()
        assert found == ids_of(digits, "right", digits.bundle.embed("left", row[None])[0])
        seen = page.evaluate(
            """() => [...document.querySelector('canvas.seen').getContext('2d')
                .getImageData(0, 0, 4, 8).data].filter((_, i) => i % 4 === 0)"""
        )
        np.testing.assert_array_equal(np.reshape(seen, (8, 4)), np.round(255 * row))


def test_a_picture_is_scaled_and_inverted(browser, server, digits):
    row = digits.rows["left"][7]
    pixels = np.round(255 * (1 - row)).repeat(20, 0).repeat(20, 1)  # dark ink, 20 times as large
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).convert("RGB").save(file, "PNG")
    upload = {"name": "digit.png", "mimeType": "image/png", "buffer": file.getvalue()}
    with visit(browser, server) as page:
        page.get_by_role("tab", name="Upload").click()
        page.locator("input[type=file]").set_input_files(upload)
        results(page)
        assert page.get_by_label("Invert light and dark").is_checked()
        np.testing.assert_allclose(page.posted[-1]["query"]["input"], row, atol=0.5 / 255)
        page.get_by_label("Invert light and dark").click()
        page.wait_for_timeout(300)
        np.testing.assert_allclose(page.posted[-1]["query"]["input"], 1 - row, atol=0.5 / 255)
        upload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
        page.locator("input[type=file]").set_input_files(upload)
        page.get_by_role("alert").get_by_text("notes.txt is not a picture").wait_for()


def test_target_number_and_filters(browser, server, digits):
    vector = vector_of(digits, "left", 0)
    with visit(browser, server) as page:
        results(page)
        page.get_by_label("How many").select_option("5")
        page.get_by_text("The 5 nearest rows of right").wait_for()
        page.get_by_label("Find").select_option("left")
        page.get_by_text("The 5 nearest rows of left").wait_for()
        assert results(page) == ids_of(digits, "left", vector, 5)
        page.get_by_text("Filters").click()
        page.get_by_label("Column").select_option("row")
        page.get_by_label("Condition").select_option("at least")
        page.get_by_label("Value").fill("many")
        page.get_by_label("Value").press("Enter")
        page.get_by_text('row takes a number, not "many".').wait_for()
        page.get_by_label("Value").fill("100")
        page.get_by_label("Value").press("Enter")
        page.get_by_label("Condition").select_option("at most")
        page.get_by_label("Value").fill("102")
        page.get_by_role("button", name="Add").click()
        told = "to row digit 000 of left, where row at least 100 and row at most 102."
        page.get_by_text(f"The 3 nearest rows of left {told}").wait_for()
        where = {"row": {"gte": 100, "lte": 102}}
        assert page.posted[-1]["where"] == where
        assert results(page) == ids_of(digits, "left", vector, 5, where=where)
        page.get_by_role("button", name="Remove the filter row at most 102").click()
        page.get_by_text("The 5 nearest rows of left").wait_for()


def test_a_result_becomes_the_query(browser, server, digits):
    with visit(browser, server) as page:
        first = results(page)[0]
        page.locator(".result").first.get_by_role("button").click()
        page.get_by_text(f"to row {first} of right").wait_for()
        vector = vector_of(digits, "right", int(first.split()[1]))
        assert results(page) == ids_of(digits, "left", vector)


def test_the_keyboard_is_enough(browser, server):
    def focused(page):
        return page.evaluate("document.activeElement.getAttribute('aria-label')")

    with visit(browser, server) as page:
        results(page)
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.labels[0].textContent") == "Row with the id"
        page.get_by_role("button", name="Row digit 000").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert focused(page).startswith("Row digit 002")
        page.keyboard.press("Enter")
        page.get_by_text("to row digit 002 of left").wait_for()
        for _ in range(20):  # to the results, from there with arrows
            page.keyboard.press("Tab")
            if (focused(page) or "").startswith("Result 1,"):
                break
        for key, rank in (
            ("ArrowRight", 2),
            ("End", 10),
            ("ArrowUp", 6),
            ("Home", 1),
            ("ArrowLeft", 1),
        ):
            page.keyboard.press(key)
            assert focused(page).startswith(f"Result {rank},"), key
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"  # the focus is visible
        page.keyboard.press("Enter")
        page.get_by_text("of right. Its partner").wait_for()
        # a drawing, with the arrow keys and Space
        page.get_by_role("tab", name="Pick a row").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
        page.keyboard.down(" ")
        for _ in range(6):
            page.keyboard.press("ArrowDown")
        page.keyboard.up(" ")
        results(page)
        assert np.array(page.posted[-1]["query"]["input"]).max() > 0


def test_every_field_and_button_has_a_name(browser, mixed_server, server):
    kinds = "button, input, select, textarea, canvas, audio"
    nameless = f"""() => [...document.querySelectorAll('{kinds}')]
        .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-hidden')
            || e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML)"""
    for url in (server, mixed_server):
        with visit(browser, url) as page:
            results(page)
            for tab in page.get_by_role("tab").all():
                tab.click()
                assert page.evaluate(nameless) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_in_both_schemes(browser, server, scheme):
    size = {"width": 360, "height": 740}
    with visit(browser, server, viewport=size, color_scheme=scheme) as page:
        results(page)
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert page.evaluate("document.documentElement.scrollWidth") == 360
        other = {"light": "dark", "dark": "light"}[scheme]
        ground = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(ground)
        page.get_by_role("button", name=f"Use {other} colours").click()
        assert page.evaluate(ground) != before
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == other


def test_words_values_and_classes(browser, mixed_server, mixed):
    with visit(browser, mixed_server) as page:
        results(page)
        page.get_by_role("tab", name="Type words").click()
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("alert").get_by_text("Type some words first.").wait_for()
        page.get_by_label("Words to search with").fill("green pear")
        page.get_by_label("Words to search with").press("Enter")
        vector = mixed.bundle.embed("words", ["green pear"])[0]
        assert results(page) == ids_of(mixed, "sizes", vector)
        page.get_by_text("rows of sizes for “green pear”.").wait_for()

        page.get_by_role("radio", name="sizes").check()
        page.get_by_role("tab", name="Enter values").click()
        page.get_by_label("height (m)").fill("1.5")
        page.get_by_label("height (m)").press("Enter")
        page.get_by_role("alert").get_by_text(
            "Column width (cm) is empty: enter a number."
        ).wait_for()
        page.get_by_label("Or paste a row").fill("height\twidth (cm)\n0.5\t-1")
        page.get_by_role("button", name="Search", exact=True).click()
        vector = mixed.bundle.embed("sizes", mixed.rows["sizes"].iloc[:1] * 0 + [0.5, -1])[0]
        assert results(page) == ids_of(mixed, "words", vector)


def test_numbers_are_never_broken(browser, mixed_server):
    with visit(browser, mixed_server, viewport={"width": 390, "height": 844}) as page:
        page.get_by_label("Find").select_option("sizes")
        page.wait_for_selector(".values .figure")
        lines = (
            "(all) => all.map((e) => e.getClientRects().length && getComputedStyle(e).whiteSpace)"
        )
        assert set(page.locator(".values .figure").evaluate_all(lines)) == {"nowrap"}
        names = "(all) => all.filter((e) => e.textContent === 'height').map((e) => e.offsetHeight)"
        heights = page.locator(".values dt").evaluate_all(names)
        assert 0 < max(heights) < 30  # one line


def test_a_row_found_in_its_own_modality_is_marked(browser, server, digits):
    with visit(browser, server) as page:
        page.get_by_role("button", name="Row digit 005").click()
        page.get_by_text("to row digit 005 of left").wait_for()
        page.get_by_label("Find").select_option("left")
        page.get_by_text("nearest rows of left to row digit 005").wait_for()
        assert page.locator(".badge").all_inner_texts() == ["the query"]


def test_a_class_is_chosen(browser, classes):
    with served(classes) as server, visit(browser, server) as page:
        labels = classes.bundle.modalities[1]
        page.get_by_role("radio", name=labels).check()
        page.get_by_role("tab", name="Choose a class").click()
        page.get_by_label(f"Class of {labels}").select_option("plum")
        found = results(page)
        assert page.posted[-1]["query"] == {"modality": labels, "input": "plum"}
        vector = classes.bundle.embed(labels, ["plum"])[0]
        assert found == ids_of(classes, classes.bundle.modalities[0], vector)


def test_recordings_are_heard_one_at_a_time(browser, classes):
    with served(classes) as server, visit(browser, server) as page:
        results(page)
        first, second = (page.locator(".picker audio").nth(i) for i in (0, 1))
        assert first.get_attribute("aria-label").startswith("Recording of ")
        for audio in (first, second):
            audio.evaluate("(audio) => audio.play()")
        assert second.evaluate("(audio) => audio.duration") == 0.5
        assert first.evaluate("(audio) => audio.paused")
        page.get_by_role("tab", name="Enter values").click()
        page.get_by_label("5 numbers").fill("[1, 2, 3, 4]")
        page.get_by_label("5 numbers").press("Enter")
        page.get_by_role("alert").get_by_text("A row has 5 numbers, but 4 are given.").wait_for()
        page.get_by_label("5 numbers").fill("1 2 3 4 -5e-1")
        page.get_by_label("5 numbers").press("Enter")
        results(page)
        assert page.posted[-1]["query"]["input"] == [1, 2, 3, 4, -0.5]


def test_nothing_of_the_data_becomes_markup(browser, mixed_server):
    """Dialogs, errors of scripts and requests to other hosts fail the visit."""
    with visit(browser, mixed_server) as page:
        for name in ("words", "sizes", "note"):
            page.get_by_role("radio", name=name).check()
            results(page)
            page.wait_for_timeout(200)
            assert page.locator("img").count() == 0
            assert page.locator("body script").count() == 0
        page.get_by_label("Find").select_option("sizes")
        page.locator(".result dd").first.wait_for()
        assert ATTACK in page.locator(".result").first.inner_text()
        assert page.locator("h1").inner_text() == ATTACK


def test_a_token_is_asked_for_and_kept_in_the_session(browser, digits):
    with (
        served(digits, token="secret") as server,
        visit(browser, server, expected=("status of 401",)) as page,
    ):
        for token, then in (("wrong", "did not accept"), ("secret", None)):
            page.get_by_label("Token", exact=True).fill(token)
            assert page.locator(".late").count() == 0
            page.get_by_role("button", name="Continue").click()
            if then:
                page.get_by_text(then).wait_for()
        results(page)
        page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth)")
        page.reload()
        results(page)
        assert page.evaluate("localStorage.length") == 0
        assert page.evaluate("sessionStorage.length") == 1


def test_without_a_token_the_page_says_so(browser, digits):
    with (
        served(digits, token="secret") as server,
        visit(browser, server, expected=("status of 401",)) as page,
    ):
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("alert").get_by_text("needs a token: reload").wait_for()


def test_without_an_index_the_page_says_what_to_do(browser, digits):
    with served(digits, index=False) as server, visit(browser, server, expected=("404",)) as page:
        page.get_by_text("There is nothing to search yet").wait_for()
        assert "mibsk index BUNDLE left" in page.locator("pre").inner_text()


def test_a_server_that_is_gone_is_told(browser, digits):
    with (
        served(digits) as server,
        visit(browser, server, expected=("ERR_",)) as page,
    ):
        results(page)
        page.route("**/search", lambda route: route.abort())
        page.get_by_role("button", name="Row digit 001").click()
        page.get_by_role("alert").get_by_text("The server does not answer.").wait_for()
        assert page.get_by_text("Searching").count() == 0

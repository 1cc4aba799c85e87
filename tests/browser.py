"""A headless Chromium, and visits of a page that record what must not happen."""

import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest


@contextmanager
def chromium():
    """Start Chromium; skip where it or playwright is absent.

    The event loop of playwright runs in this thread until the end: no other may run beside it.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser, url, *, expected=(), **context):
    """Open a page; at the end it must have had no error, and asked no other host.

    The page that is yielded lists in `posted` the values that it sent with POST.
    `expected` are parts of messages of the console that are to come, such as a status 401.
    """
    opened = browser.new_context(**context)
    page = opened.new_page()
    page.set_default_timeout(10_000)
    problems, hosts = [], set()
    page.on("console", lambda m: m.type in ("error", "warning") and problems.append(m.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.posted = []
    page.on("request", lambda r: r.method == "POST" and page.posted.append(r.post_data_json))
    try:
        page.goto(url)
        yield page
    finally:
        opened.close()
    assert hosts - {""} == {urlsplit(url).netloc}
    assert [p for p in problems if not any(part in p for part in expected)] == []

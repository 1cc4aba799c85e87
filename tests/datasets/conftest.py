"""Downloads that need no network."""

import pooch
import pytest


@pytest.fixture
def serve(monkeypatch):
    """Return a function that sets what downloads write or raise, and returns the requested URLs."""
    monkeypatch.delenv("MIBSK_DATA", raising=False)

    def start(content):
        asked = []

        class Downloader:
            def __init__(self, progressbar):
                assert progressbar

            def __call__(self, url, output_file, pooch):
                asked.append(url)
                with open(output_file, "wb") as target:
                    if isinstance(content, BaseException):
                        target.write(b"half")
                        raise content
                    target.write(content)

        monkeypatch.setattr(pooch, "HTTPDownloader", Downloader)
        return asked

    return start

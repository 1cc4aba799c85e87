import re

import httpx

from mibsk.page import FILES


def test_the_page_and_its_files_are_served(client):
    page = client.get("/")
    assert page.content == FILES["index.html"].read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for name, path in FILES.items():
        if name != "index.html":
            answer = client.get(f"/{name}")
            assert answer.content == path.read_bytes()
            if name.endswith(".js"):
                assert "javascript" in answer.headers["content-type"]


def test_no_other_file_is_served(client):
    for path in ("/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404
    assert client.get("/static/").status_code == 404


def test_the_documentation_lists_all_routes_without_scripts(client):
    page = client.get("/docs").text
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) > 15
    for path in paths:
        assert path in page
    assert "<code>offset</code>" in page
    assert not re.search("`|<script|https?://(?!localhost)", page)


def test_head_is_answered_as_get_without_a_body(run_server, digits):
    with run_server(digits) as server:
        for path in ("/", "/healthz", "/manifest"):
            got = httpx.get(server.address + path)
            head = httpx.head(server.address + path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == got.headers["content-length"]
        assert '"method":"HEAD"' in server.log().replace(" ", "")

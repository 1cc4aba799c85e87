"""Static sites in a browser, in front of a plain file server: answers as in Python."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.cli import main
from mibsk.datasets import load_digits_halves
from mibsk.page import FILES
from mibsk.site import write_site
from tests.browser import visit
from tests.page.serving import expected, indexed

from .conftest import file_server

EMBED = """async ([modality, rows]) => {
    const { connect } = await import("./static/local.js");
    const backend = await connect();
    const vectors = [];
    for (const input of rows) vectors.push([...(await backend.embed({ modality, input }))]);
    return vectors;
}"""
DAYS = pd.date_range("2026-01-01", periods=150)
SEARCH = """async (asked) => {
    const { connect } = await import("./static/local.js");
    const { results } = await (await connect()).search(asked);
    return results.map(({ id, score }) => [id, score]);
}"""


def made(folder, rows, *, metadata=None, **params):
    """Return a bundle and an index of rows, trained on them."""
    aligner = IBAligner(n_components=8, max_epochs=1, random_state=0, **params).fit(rows)
    write_bundle(aligner, folder / "bundle", name="test")
    ids = [f"row {i}" for i in range(len(next(iter(rows.values()))))]
    metadata = metadata and dict.fromkeys(rows, metadata)
    return indexed(Bundle(folder / "bundle"), folder / "index", rows, ids, metadata=metadata)


def rows_of(kind):
    rng = np.random.default_rng(0)
    if kind == "floats":
        return {name: X[:150] for name, X in load_digits_halves().data.items()}
    if kind == "bytes":
        X = rng.integers(0, 256, size=(60, 12, 10), dtype=np.uint8)
        return {"byte": X, "truth": X[:, :6] > 127}
    if kind == "table":
        hidden = rng.normal(size=(60, 4)).astype(np.float32)
        table = pd.DataFrame(hidden, columns=list("abcd"))
        return {"table": table, "vector": hidden @ rng.normal(size=(4, 3)).astype(np.float32)}
    if kind == "text":
        words = np.array(["red", "GREEN", "große", "東京", "naïve", "İstanbul", "😀", "ΣΟΦΟΣ"])
        counts = rng.integers(3, size=(120, len(words)))
        texts = [f"{' '.join(np.repeat(words, n))} {i}" for i, n in enumerate(counts)]
        return {"text": texts, "vector": rng.normal(counts, 0.1).astype(np.float32)}
    raise ValueError(kind)


def as_json(X):
    if isinstance(X, pd.DataFrame):
        return X.to_dict("records")
    return X if isinstance(X, list) else (X * 1).tolist()  # of booleans, numbers


@pytest.mark.parametrize("kind", ["floats", "bytes", "table", "text"])
def test_answers_of_the_browser_are_those_of_python(browser, runtime, tmp_path, kind):
    model = made(tmp_path, rows_of(kind))
    what = [str(model.bundle.path), model.index.address, "--out", str(tmp_path / "site")]
    done = CliRunner().invoke(main, ["site", *what, "--runtime", str(runtime)])
    assert (done.exit_code, done.stderr.splitlines()[0][:14]) == (0, "Writing about ")
    assert done.stdout.startswith(f"Written: {tmp_path / 'site'}, 1")  # megabytes
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:
        page.wait_for_selector(".result")
        for name, other in zip(model.rows, reversed(model.rows), strict=True):
            X = model.rows[name][:20]
            embedded = page.evaluate(EMBED, [name, as_json(X)])
            z = np.asarray(model.bundle.embed(name, X))
            np.testing.assert_allclose(embedded, z, rtol=0, atol=1e-4)
            query = {"modality": name, "input": as_json(X)[3]}
            found = page.evaluate(SEARCH, {"query": query, "modality": other, "k": 30})
            assert_same_order(found, expected(model, other, z[3], len(model.ids)))


def assert_same_order(found, hits):
    """The order of Python, but for rows whose similarities differ by less than 1e-5."""
    scores = {hit.id: hit.score for hit in hits}
    best = [hit.score for hit in hits[: len(found)]]
    np.testing.assert_allclose([score for _, score in found], best, rtol=0, atol=1e-5)
    np.testing.assert_allclose([scores[i] for i, _ in found], best, rtol=0, atol=1e-5)
    assert len({i for i, _ in found}) == len(found)


def test_a_convolutional_net_answers_as_in_python(browser, runtime, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3, 16, 16)).astype(np.float32)
    rows = {"picture": X, "vector": X.mean(axis=(2, 3))}
    model = made(tmp_path, rows, encoders={"picture": "resnet20", "vector": "mlp"})
    write_site(model.bundle, model.index, tmp_path / "site", runtime=runtime)
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:
        embedded = page.evaluate(EMBED, ["picture", as_json(X[:5])])
    np.testing.assert_allclose(embedded, model.bundle.embed("picture", X[:5]), rtol=0, atol=1e-4)


def test_conditions_ties_and_wrong_rows(browser, runtime, tmp_path):
    rows = rows_of("floats")
    metadata = [
        {
            "n": i,
            "half": i / 2,
            "odd": bool(i % 2),
            "day": DAYS[i],
            "name": f"n{i}",
            "gap": i if i > 9 else None,
        }
        for i in range(150)
    ]
    model = made(tmp_path, rows, metadata=metadata)
    same = np.repeat(model.bundle.embed("right", rows["right"][:1]), 150, axis=0)
    model.index.add("right", model.ids, same, pd.DataFrame(metadata))  # ids decide
    write_site(model.bundle, model.index, tmp_path / "site", runtime=runtime)
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:

        def found(**where):
            query = {"modality": "left", "id": "row 3"}
            asked = {"query": query, "modality": "right", "k": 150, "where": where}
            ids = [id for id, _ in page.evaluate(SEARCH, asked)]
            (row,) = model.index.get("left", ["row 3"], vectors=True)
            assert ids == [hit.id for hit in expected(model, "right", row.vector, 150, where)]
            return ids

        assert found() == sorted(model.ids)
        assert found(n=3) == ["row 3"]
        assert found(name=["n1", "n30", "x"]) == ["row 1", "row 30"]
        assert found(half={"gte": 1.5, "lt": 2.5}) == ["row 3", "row 4"]
        assert found(odd=True, n={"lte": 4, "ne": 1}) == ["row 3"]
        assert found(day={"gt": "2026-05-29"}) == ["row 149"]
        assert found(day="2026-01-02") == ["row 1"]
        assert found(gap={"lt": 12}) == ["row 10", "row 11"]  # a missing value passes none
        assert found(gap={"gt": 147, "ne": 148}) == ["row 149"]
        for query, message in (
            ({"modality": "left", "id": "nobody"}, 'There is no row "nobody" of left'),
            ({"modality": "left", "input": [[0] * 3] * 8}, "has 32 numbers, got 24"),
            ({"modality": "left", "input": [[None] * 4] * 8}, "must have finite numbers"),
            ({"modality": "left", "input": [[1e300] * 4] * 8}, "too large for float32"),
        ):
            with pytest.raises(Exception, match=message):
                page.evaluate(SEARCH, {"query": query, "modality": "right", "k": 1})


def test_a_page_that_is_opened_as_a_file_says_what_to_do(browser):
    page = browser.new_page()
    page.goto(FILES["index.html"].as_uri())
    page.get_by_text("serve its folder over HTTP instead").wait_for(timeout=20_000)
    page.close()

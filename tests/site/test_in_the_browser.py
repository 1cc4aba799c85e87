"""Static sites in a browser, in front of a plain file server: answers as in Python."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.datasets import load_digits_halves
from mibsk.site import write_site
from tests.browser import visit
from tests.page.in_memory import MemoryIndex

from .conftest import file_server

EMBED = """async ([modality, rows]) => {
    const { connect } = await import("./static/local.js");
    const backend = await connect();
    const vectors = [];
    for (const input of rows) vectors.push([...(await backend.embed({ modality, input }))]);
    return vectors;
}"""
SEARCH = """async (asked) => {
    const { connect } = await import("./static/local.js");
    const { results } = await (await connect()).search(asked);
    return results.map(({ id, score }) => [id, score]);
}"""


def made(folder, rows, *, metadata=None, **params):
    """Return a bundle and an index of rows, trained on them."""
    aligner = IBAligner(n_components=8, max_epochs=1, random_state=0, **params).fit(rows)
    write_bundle(aligner, folder, name="test")
    bundle = Bundle(folder)
    index = MemoryIndex(bundle)
    for name, X in rows.items():
        ids = [f"row {i}" for i in range(len(X))]
        index.add(name, ids, bundle.embed(name, X), metadata)
    return SimpleNamespace(bundle=bundle, index=index, rows=rows)


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
        words = ["red", "green", "große", "東京", "naïve", "İstanbul", "😀"]
        texts = [" ".join(rng.choice(words, size=4)) + f" {i}" for i in range(60)]
        return {"text": texts, "vector": rng.normal(size=(60, 3)).astype(np.float32)}
    raise ValueError(kind)


def as_json(X):
    if isinstance(X, pd.DataFrame):
        return X.to_dict("records")
    return X if isinstance(X, list) else (X * 1).tolist()  # of booleans, numbers


@pytest.mark.parametrize("kind", ["floats", "bytes", "table"])
def test_answers_of_the_browser_are_those_of_python(browser, runtime, tmp_path, kind):
    model = made(tmp_path / "bundle", rows_of(kind))
    write_site(model.bundle, model.index, tmp_path / "site", runtime=runtime)
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:
        page.wait_for_selector(".result")
        for name, other in zip(model.rows, reversed(model.rows), strict=True):
            X = model.rows[name][:20]
            embedded = page.evaluate(EMBED, [name, as_json(X)])
            expected = model.bundle.embed(name, X)
            np.testing.assert_allclose(embedded, expected, rtol=0, atol=1e-4)
            query = {"modality": name, "input": as_json(X)[3]}
            asked = {"query": query, "modality": other, "k": 30}
            assert_same_order(page.evaluate(SEARCH, asked), model, other, np.asarray(expected)[3])


def assert_same_order(found, model, modality, vector):
    """The order of Python, but for rows whose similarities differ by less than 1e-5."""
    table = model.index.tables[modality]
    scores = dict(zip(table.ids, (table.vectors @ vector).tolist(), strict=True))
    best = sorted(scores.values(), reverse=True)[: len(found)]
    np.testing.assert_allclose([score for _, score in found], best, rtol=0, atol=1e-5)
    np.testing.assert_allclose([scores[i] for i, _ in found], best, rtol=0, atol=1e-5)
    assert len({i for i, _ in found}) == len(found)


def test_a_convolutional_net_answers_as_in_python(browser, runtime, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3, 16, 16)).astype(np.float32)
    rows = {"picture": X, "vector": X.mean(axis=(2, 3))}
    model = made(tmp_path / "bundle", rows, encoders={"picture": "resnet20", "vector": "mlp"})
    write_site(model.bundle, model.index, tmp_path / "site", runtime=runtime)
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:
        embedded = page.evaluate(EMBED, ["picture", as_json(X[:5])])
    np.testing.assert_allclose(embedded, model.bundle.embed("picture", X[:5]), rtol=0, atol=1e-4)


def test_conditions_ties_and_wrong_rows(browser, runtime, tmp_path):
    rows = rows_of("floats")
    metadata = [
        {"n": i, "half": i / 2, "odd": bool(i % 2), "name": f"n{i}", "gap": i if i > 9 else None}
        for i in range(150)
    ]
    model = made(tmp_path / "bundle", rows, metadata=metadata)
    table = model.index.tables["right"]
    table.vectors[:] = table.vectors[0]  # all scores are the same: ids decide
    write_site(model.bundle, model.index, tmp_path / "site", runtime=runtime)
    with file_server(tmp_path / "site") as url, visit(browser, url) as page:

        def found(**where):
            query = {"modality": "left", "id": "row 3"}
            asked = {"query": query, "modality": "right", "k": 150, "where": where}
            return [id for id, _ in page.evaluate(SEARCH, asked)]

        assert found() == sorted(table.ids)
        assert found(n=3) == ["row 3"]
        assert found(name=["n1", "n30", "x"]) == ["row 1", "row 30"]
        assert found(half={"gte": 1.5, "lt": 2.5}) == ["row 3", "row 4"]
        assert found(odd=True, n={"lte": 4, "ne": 1}) == ["row 3"]
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

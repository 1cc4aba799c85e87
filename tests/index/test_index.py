"""The calls of an index, against arrays and data frames in memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mibsk.index import Content, open_index

from .conftest import bundle, unit


def brute_force(z, ids, query, k):
    scores = (z.astype(float) @ query.astype(float)).astype(np.float32)
    order = sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))[:k]
    return [(ids[i], scores[i]) for i in order]


def test_search_is_brute_force_with_ties_by_id(index):
    z = unit(300)
    z[100:200] = z[0]  # a hundred rows of the same score
    ids = [f"row {i:03d}" for i in np.random.default_rng(1).permutation(300)]
    index.add("image", ids, z)
    queries = np.vstack([unit(20, seed=2), z[:3], z[150:151]])
    for k in (1, 7, 50, 300, 1000):
        found = index.search("image", queries, k)
        for query, hits in zip(queries, found, strict=True):
            assert [(h.id, h.score) for h in hits] == brute_force(z, ids, query, k)


def test_scores_of_vectors_of_norm_one_are_at_most_one(index):
    z = unit(200)
    assert (z.astype(float) ** 2).sum(axis=1).astype(np.float32).max() > 1  # by rounding
    ids = [f"{i:03d}" for i in range(200)]
    index.add("image", ids, z)
    for sign, rank in ((1, 0), (-1, -1)):
        found = [hits[rank] for hits in index.search("image", sign * z, 200)]
        assert [hit.id for hit in found] == ids
        scores = sign * np.array([hit.score for hit in found])
        assert scores.max() == 1
        np.testing.assert_allclose(scores, 1, rtol=0, atol=1e-6)
    index.add("image", ["long"], 3 * z[:1])
    (hits,) = index.search("image", z[:1], 1)
    assert hits[0].id == "long"
    np.testing.assert_allclose(hits[0].score, 3, rtol=1e-6)


def test_rows_come_back(index):
    z = unit(5)
    ids = ["a", "it's", 'say "b"', "100 %", "naïve ☃"]
    table = pd.DataFrame({"n": [1, 2, 3, 4, 2**62], "word": ["x", None, "'", "%", "é"]})
    contents = [None, Content(b"\x89PNG", "image/png"), None, Content(b"", "text/plain"), None]
    index.add("image", ids, z, table, contents)
    rows = index.get("image", ids[::-1], vectors=True, contents=True)
    assert [row.id for row in rows] == ids[::-1]
    np.testing.assert_array_equal([row.vector for row in rows], z[::-1])
    words = ["x", None, "'", "%", "é"]
    assert [row.metadata["word"] for row in rows][::-1] == words
    assert [row.metadata["n"] for row in rows][::-1] == [1, 2, 3, 4, 2**62]
    assert [row.content for row in rows][::-1] == contents
    assert [row.media_type for row in rows] == [None, "text/plain", None, "image/png", None]
    plain = index.rows("image", 1, 2)
    assert [row.id for row in plain] == ids[1:3]
    assert (plain[0].vector, plain[0].content, plain[0].media_type) == (None, None, "image/png")
    assert index.rows("image", 5) == []
    with pytest.raises(ValueError, match="has no row 'b'"):
        index.get("image", ["a", "b"])


def test_an_existing_id_is_replaced_and_rows_are_deleted(index):
    z = unit(6)
    index.add("image", ["a", "b", "c"], z[:3], pd.DataFrame({"n": [1, 2, 3]}))
    index.add("image", ["d", "b"], z[3:5], pd.DataFrame({"word": ["x", "y"]}))
    assert index.modalities()["image"].n_rows == 4
    (row,) = index.get("image", ["b"], vectors=True)
    np.testing.assert_array_equal(row.vector, z[4])
    assert row.metadata == {"n": None, "word": "y"}
    assert index.delete("image", ["a", "nobody", "d"]) == 2
    assert [row.id for row in index.rows("image")] == ["c", "b"]
    index.optimise()
    assert [row.id for row in index.rows("image")] == ["c", "b"]
    (hits,) = index.search("image", z[4:5], 9)
    assert hits[0].id == "b"


def test_modalities_are_apart_and_named_as_given(index):
    for i, name in enumerate(["image", "Image", "a b/ü", "m_x"]):
        index.add(name, [str(j) for j in range(i + 1)], unit(i + 1))
    assert {name: each.n_rows for name, each in index.modalities().items()} == {
        "image": 1,
        "Image": 2,
        "a b/ü": 3,
        "m_x": 4,
    }
    with pytest.raises(ValueError, match=r"no rows of modality 'imagee'.*[Dd]id you mean"):
        index.search("imagee", unit(1))


def test_a_summary_lists_columns(index):
    table = pd.DataFrame(
        {
            "s": ["x", None],
            "i": [1, 2],
            "f": [0.5, np.nan],
            "b": [True, False],
            "d": pd.to_datetime(["2026-01-31", None]),
            "empty": [None, None],
        }
    )
    index.add("a", ["1", "2"], unit(2), table, [None, Content(b"x", "text/plain")])
    summary = index.modalities()["a"]
    assert summary.columns == {
        "s": "string",
        "i": "integer",
        "f": "number",
        "b": "boolean",
        "d": "datetime",
    }
    assert (summary.has_content, summary.kind) == (True, "flat")
    assert index.get("a", ["1"])[0].metadata["d"] == "2026-01-31T00:00:00Z"


def test_embeddings_of_two_models_are_not_mixed(index):
    index.add("image", ["a"], unit(1))
    assert open_index(index.address, bundle=bundle()).modalities()["image"].n_rows == 1
    assert open_index(index.address).digest == "a" * 64
    with pytest.raises(ValueError, match=r"another model \(digest aaaaaaaaaaaa\)"):
        open_index(index.address, bundle=bundle("b" * 64), create=True)


def test_another_process_sees_what_is_added(index):
    other = open_index(index.address)
    index.add("image", ["a"], unit(1))
    assert other.modalities()["image"].n_rows == 1
    index.add("image", ["b"], unit(1), pd.DataFrame({"n": [1]}))
    assert [row.metadata for row in other.rows("image")] == [{"n": None}, {"n": 1}]


def test_there_is_no_index(tmp_path):
    with pytest.raises(FileNotFoundError, match="no index at"):
        open_index(tmp_path / "none")
    with pytest.raises(ValueError, match="needs the bundle"):
        open_index(tmp_path / "none", create=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="not an empty folder"):
        open_index(tmp_path, bundle=bundle(), create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "a"], unit(2)), "2 rows have the id 'a'"),
        ((["a", 1], unit(2)), "ids must be strings, got 1 of row 1"),
        (("ab", unit(2)), "got the string 'ab'"),
        ((["", "b"], unit(2)), "the id of row 0 is empty"),
        ((["a"], unit(2)), r"array \(1, 8\), got one of shape \(2, 8\)"),
        ((["a"], unit(1, 7)), r"got one of shape \(1, 7\)"),
        ((["a"], unit(1) * np.nan), "1 vectors contain NaN"),
        ((["a"], unit(1), pd.DataFrame({"n": [1, 2]})), "metadata has 2 rows"),
        ((["a"], unit(1), [{"n": 1}]), "must be a pandas DataFrame"),
        ((["a"], unit(1), pd.DataFrame({"n": [[1]]})), r"contains \[1\] \(list\)"),
        ((["a", "b"], unit(2), pd.DataFrame({"n": [1, "x"]})), "contains 'x'"),
        ((["a"], unit(1), pd.DataFrame({"n": [np.inf]})), "contains infinity"),
        ((["a"], unit(1), pd.DataFrame({"n": [2**63]}, dtype=object)), "beyond 64 bits"),
        ((["a"], unit(1), pd.DataFrame({0: [1]})), "columns of metadata need names"),
        ((["a"], unit(1), None, []), "0 contents, but 1 ids"),
    ],
)
def test_rows_that_cannot_be_stored(index, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        index.add("image", *arguments)
    assert index.modalities() == {}


def test_a_column_keeps_its_type(index):
    index.add("a", ["1"], unit(1), pd.DataFrame({"n": [1], "x": [0.5]}))
    index.add("a", ["2"], unit(1), pd.DataFrame({"n": [2.0], "x": [3]}))
    assert index.get("a", ["2"])[0].metadata == {"n": 2, "x": 3.0}
    with pytest.raises(ValueError, match=r"'n' contains values of type integer.*got string"):
        index.add("a", ["3"], unit(1), pd.DataFrame({"n": ["x"]}))
    with pytest.raises(ValueError, match=r"got number values such as 0\.5"):
        index.add("a", ["3"], unit(1), pd.DataFrame({"n": [0.5]}))
    assert index.modalities()["a"].n_rows == 2


def test_partitions(tmp_path):
    """All partitions together return what brute force returns, and some of them most of it."""
    index = open_index(tmp_path / "index", bundle=bundle(), create=True)
    index.flat_rows, index.n_probes = 4000, 5
    z = unit(5200)
    ids = [f"{i:04d}" for i in range(5200)]
    table = pd.DataFrame({"group": np.arange(5200) % 1000})
    index.add("image", ids[:5000], z[:5000], table[:5000])
    assert index.modalities()["image"].kind == "flat"
    index.optimise()
    assert index.modalities()["image"].kind == "ivf"
    index.add("image", ids[5000:], z[5000:], table[5000:])  # rows in no partition yet
    queries = unit(30, seed=3)

    def found():
        return [[(h.id, h.score) for h in hits] for hits in index.search("image", queries, 10)]

    expected = [brute_force(z, ids, query, 10) for query in queries]
    assert found() == expected
    index.optimise()
    assert found() == expected
    index.n_probes = 2
    pairs = zip(found(), expected, strict=True)
    recall = np.mean([len({*a} & {*b}) / 10 for a, b in pairs])
    assert 0.5 < recall < 1
    (few,) = index.search("image", queries[:1], 10, where={"group": 7})
    assert sorted(h.id for h in few) == ["0007", "1007", "2007", "3007", "4007", "5007"]
    assert len(index.search("image", queries[:1], 5000)[0]) == 5000
    best = expected[0][0][0]
    index.delete("image", [best])
    index.n_probes = 5
    assert found()[0][:9] == expected[0][1:]


def test_processes_write_at_the_same_time(tmp_path):
    code = """
import sys
import pandas as pd
from tests.index.conftest import bundle, unit
from mibsk.index import open_index
folder, name = sys.argv[1:]
index = open_index(folder, bundle=bundle(), create=True)
for j in range(4):
    ids = [f"{name}-{j}-{i}" for i in range(20)]
    index.add("image", ids, unit(20), pd.DataFrame({name: [j] * 20, "both": [j] * 20}))
    index.optimise()
"""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "index")]
    started = [subprocess.Popen([*command, name], cwd=root) for name in "ab"]
    assert [process.wait() for process in started] == [0, 0]
    index = open_index(tmp_path / "index")
    assert index.modalities()["image"].n_rows == 160
    assert index.get("image", ["a-3-19"])[0].metadata == {"a": 3, "b": None, "both": 3}


def test_a_qdrant_index_in_a_folder_stays(tmp_path):
    """Qdrant allows one process at a time, so that another opens it after the first has ended."""
    address = f"qdrant+file://{tmp_path}/store/digits"
    code = f"""
from tests.index.conftest import bundle, unit
from mibsk.index import open_index
index = open_index({address!r}, bundle=bundle(), create=True)
index.add("image", ["a", "b"], unit(2))
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=root)
    index = open_index(address, bundle=bundle())
    assert [row.id for row in index.rows("image")] == ["a", "b"]
    assert open_index(address).modalities()["image"].n_rows == 2
    with pytest.raises(FileNotFoundError, match="no index at"):
        open_index(f"qdrant+file://{tmp_path}/store/other")


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("qdrant+http://127.0.0.1:1/digits", ConnectionError, "cannot be used.*is it running"),
        ("qdrant+http://127.0.0.1:1/", ValueError, "no address of an index"),
        ("qdrant+memory://a/b", ValueError, "no address of an index"),
        ("qdrant://host/name", ValueError, "no address of an index"),
        ("s3://bucket/index", ValueError, "expected a folder, or qdrant"),
    ],
)
def test_addresses_that_are_none(address, error, message):
    with pytest.raises(error, match=message):
        open_index(address, bundle=bundle(), create=True)


def test_an_index_is_shown_on_one_line(index):
    index.add("picture", ["a", "b"], unit(2))
    kind = type(index).__name__
    shown = f"{kind}({index.address!r}, n_components=8, digest='aaaaaaaaaaaa'"
    assert repr(index) == shown + (", rows={'picture': 2})" if kind == "LanceIndex" else ")")

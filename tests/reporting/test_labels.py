import numpy as np
import pandas as pd
import pytest

from mibsk.reporting import read_labels
from mibsk.reporting._label_files import check_factors

TABLE = pd.DataFrame({"digit": [0, 1] * 10, "speaker": ["NA", "None"] * 10})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("suffix", "sep"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize("index", [True, False])
def test_tables_keep_words_such_as_na(suffix, sep, index):
    TABLE.to_csv(f"labels.{suffix}", sep=sep, index=index)
    pd.testing.assert_frame_equal(read_labels(f"labels.{suffix}"), TABLE, check_dtype=False)
    named = TABLE.set_axis([f"row {i}" for i in range(20)])
    named.to_csv(f"named.{suffix}", sep=sep)
    found = read_labels(f"named.{suffix}").index
    assert found.equals(named.index)
    assert found.name is None


def test_a_parquet_table():
    pytest.importorskip("pyarrow")
    TABLE.to_parquet("labels.parquet")
    pd.testing.assert_frame_equal(read_labels("labels.parquet"), TABLE, check_dtype=False)


def test_a_first_line_of_numbers_is_names_too():
    TABLE.set_axis(["0", "1"], axis=1).to_csv("labels.csv", index=False)
    assert list(read_labels("labels.csv")) == ["0", "1"]


def test_arrays():
    np.save("one.npy", np.arange(4))
    np.save("two.npy", np.array([["a", "b"], ["c", "d"]]))
    np.savez("both.npz", digit=np.arange(4), other=np.arange(4))
    assert read_labels("one.npy").to_dict("list") == {"label": [0, 1, 2, 3]}
    assert read_labels("two.npy").to_dict("list") == {"label_0": ["a", "c"], "label_1": ["b", "d"]}
    assert list(read_labels("both.npz:digit")) == ["label"]


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_semicolons_between_cells(suffix, decimal):
    table = pd.DataFrame({"digit": [1, 2], "age": [1.5, 2.5], "speaker": ["a, b", "c"]})
    table.to_csv(f"labels.{suffix}", sep=";", decimal=decimal, index=False)
    found = read_labels(f"labels.{suffix}")
    assert found.to_dict("list") == table.to_dict("list")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,tags\n1,a;b\n2,c;d\n", {"id": [1, 2], "tags": ["a;b", "c;d"]}),
        ('text,digit\n"Hello; you",1\n"Well; no",2\n', {"text": ["Hello; you", "Well; no"]}),
        ("id\na|b\nc|d\n", {"id": ["a|b", "c|d"]}),
        ("x|y,z\na|b,1\nc|d,2\n", {"x|y": ["a|b", "c|d"], "z": [1, 2]}),
    ],
)
def test_other_separators_in_the_text(content, expected):
    with open("l.csv", "w") as file:
        file.write(content)
    found = read_labels("l.csv").to_dict("list")
    assert {name: found[name] for name in expected} == expected


def test_bad_files():
    for name, content in {
        "names.csv": "name, first;digit\nSmith, J;3\nDoe, A;4\n",
        "comma.tsv": "digit\tage\n1\t1,5\n2\t2,5\n",
    }.items():
        with open(name, "w") as file:
            file.write(content)
    np.save("deep.npy", np.zeros((2, 2, 2)))
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    with open("twice.csv", "w") as file:
        file.write("a,b\n1,2,3\n")
    for name, message in {
        "deep.npy": r"expected classes of shape \(n,\) or \(n, n_factors\)",
        "objects.npy": "never read",
        "twice.csv": "fewer names in its first line than cells",
        "missing.csv": "does not exist",
        "names.csv": "',' and ';' in each of its first lines, and either can separate cells",
        "comma.tsv": r"numbers with a comma in column 'age' \('1,5'\): write a decimal point",
    }.items():
        with pytest.raises(ValueError, match=message):
            read_labels(name)


def test_constant_factors_and_ids_are_left_out_with_a_note():
    table = TABLE.assign(constant=1, id=range(20), age=np.linspace(0, 1, 20))
    factors, notes = check_factors(table, 20, "labels.csv")
    assert list(factors) == ["digit", "speaker", "age"]
    assert notes == [
        "factor 'constant' of labels.csv is the same in all rows (1): nothing to tell apart; "
        "left out",
        "factor 'id' of labels.csv has a class of its own for each of the 20 rows, like an id; "
        "left out",
    ]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (TABLE[:19], {}, "l.csv has labels of 19 rows, the embeddings have 20"),
        (TABLE.replace("NA", np.nan), {}, r"l.csv\['speaker'\] has 10 missing label"),
        (TABLE.assign(c=1), {"needed": ["c"]}, "factor 'c' of l.csv is the same in all rows"),
        (
            TABLE.assign(c=range(20)),
            {"match": ["c"]},
            "for each of the 20 rows, like an id",
        ),
        (TABLE, {"needed": ["digits"]}, "no factor 'digits'. Did you mean 'digit'?"),
        (TABLE, {"match": ["zzz"]}, "no factor 'zzz'. It has 'digit', 'speaker'"),
        (TABLE.assign(c=1)[["c"]], {}, "factor 'c' of l.csv is the same in all rows"),
        (TABLE.assign(c=range(20))[["c"]], {}, "a class of its own"),
        (TABLE[[]], {}, "holds no factor"),
        (
            TABLE.assign(age=np.linspace(0, 1, 20)),
            {"match": ["age"]},
            r"l.csv\['age'\] must be classes, got real numbers",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused(table, options, message):
    with pytest.raises(ValueError, match=message):
        check_factors(table, 20, "l.csv", **options)

"""The three forms of paired data: how each is recognised and read."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from torch.utils.data import Dataset

from mibsk import ClassPairs, Modalities
from mibsk._checks.rows import as_rows
from mibsk.data import read_form
from mibsk.data._forms import (
    check_table,
    form_from_dict,
    form_to_dict,
    holds_classes,
    is_table,
)

IMAGE, TEXT = np.arange(8.0).reshape(4, 2), ["a", "b", "c", "d"]
TABLE = pd.DataFrame(
    {"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0], "caption": ["x", "y"]},
)


class ListDataset(Dataset):
    """Items of a list."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class TestMapping:
    @pytest.mark.parametrize("container", [dict, Modalities])
    def test_reads_every_modality(self, container):
        X = container({"image": IMAGE, "text": TEXT})
        form = read_form(X, None, None)
        assert form.names == ["image", "text"]
        assert not form.is_pair
        assert form.label_names == frozenset()
        given = form.read(X)
        assert given["image"] is IMAGE
        assert list(given["text"]) == TEXT

    def test_labels_are_left_alone(self):
        X = {"image": IMAGE, "text": TEXT}
        assert list(read_form(X, [0, 1, 0, 1], None).read(X, [0, 1, 0, 1])) == ["image", "text"]

    def test_reads_a_part_in_the_order_of_fit(self):
        form = read_form({"image": IMAGE, "text": TEXT, "depth": IMAGE}, None, None)
        assert list(form.read({"depth": IMAGE, "image": IMAGE})) == ["image", "depth"]
        assert list(form.read({"text": TEXT})) == ["text"]

    def test_class_pairs_are_drawn_the_same_way_each_time(self):
        rows = (np.arange(6.0), [0, 1] * 3)
        X = ClassPairs({"a": rows, "b": rows}, random_state=0)
        form = read_form(X, None, None)
        first, second = form.read(X), form.read(X)
        assert first["b"].tolist() == second["b"].tolist()
        assert (first["b"] % 2).tolist() == [0, 1] * 3

    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            ({"imagge": IMAGE}, ValueError, r"unknown modality 'imagge'.* Did you mean 'image'\?"),
            ({}, ValueError, r"empty mapping; expected modalities among \['image', 'text'\]"),
            (IMAGE, TypeError, "fitted on a mapping of modalities .*, got ndarray"),
            ({"image": IMAGE, "text": ["a"]}, ValueError, "'image' has 4, 'text' has 1"),
            ({"image": None}, TypeError, "modality 'image' must be an array.*got NoneType"),
            ({"image": "abc"}, TypeError, "got str"),
        ],
    )
    def test_refuses_at_transform(self, X, error, message):
        form = read_form({"image": IMAGE, "text": TEXT}, None, None)
        with pytest.raises(error, match=message):
            form.read(X)

    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            ({}, ValueError, r"at least two modalities .*, got \[\]"),
            ({"image": IMAGE}, ValueError, r"at least two modalities .*, got \['image'\]"),
            ({1: IMAGE, 2: IMAGE}, TypeError, "modality names must be strings, got 1"),
        ],
    )
    def test_refuses_at_fit(self, X, error, message):
        with pytest.raises(error, match=message):
            read_form(X, None, None)

    def test_refuses_columns_for_a_mapping(self):
        with pytest.raises(ValueError, match="omit it when X is a mapping"):
            read_form({"a": IMAGE, "b": IMAGE}, None, {"a": [0], "b": [1]})


class TestColumns:
    @pytest.mark.parametrize(
        "columns",
        [
            ["a", "b"],
            slice("a", "b"),
            slice(0, 2),
            [0, 1],
            [True, True, False, False],
            lambda table: [name for name in table if name in "ab"],
        ],
    )
    def test_cuts_a_data_frame(self, columns):
        form = read_form(TABLE, None, {"left": columns, "right": ["c"]})
        given = form.read(TABLE)
        assert list(given) == form.names == ["left", "right"]
        np.testing.assert_array_equal(given["left"], TABLE[["a", "b"]])
        np.testing.assert_array_equal(given["right"], TABLE[["c"]])
        assert not form.is_pair

    @pytest.mark.parametrize(
        "columns", [[0, 1], slice(0, 2), slice(None, -1), [True, True, False], lambda X: [0, 1]]
    )
    def test_cuts_an_array(self, columns):
        X = np.arange(12.0).reshape(4, 3)
        given = read_form(X, None, {"left": columns, "right": [2]}).read(X)
        np.testing.assert_array_equal(given["left"], X[:, :2])
        np.testing.assert_array_equal(given["right"], X[:, 2:])

    def test_a_bare_name_or_position_is_one_column(self):
        given = read_form(TABLE, None, {"left": "a", "right": "c"}).read(TABLE)
        assert given["left"].to_numpy().tolist() == [[1.0], [2.0]]
        X = np.arange(6.0).reshape(2, 3)
        given = read_form(X, None, {"left": 0, "right": -1}).read(X)
        assert given["right"].tolist() == [[2.0], [5.0]]

    def test_a_column_of_strings_is_text(self):
        form = read_form(TABLE, None, {"numbers": ["a", "b"], "caption": "caption"})
        given = form.read(TABLE)
        assert as_rows("caption", given["caption"]).tolist() == ["x", "y"]
        assert given["numbers"].to_numpy().tolist() == [[1.0, 3.0], [2.0, 4.0]]

    @pytest.mark.parametrize("container", [pd.DataFrame.to_numpy, pl.from_pandas])
    def test_a_column_of_strings_is_text_in_other_tables(self, container):
        table = container(TABLE)
        given = read_form(table, None, {"numbers": [0, 1], "caption": 3}).read(table)
        assert as_rows("caption", given["caption"]).tolist() == ["x", "y"]
        assert np.asarray(given["numbers"], float).tolist() == [[1.0, 3.0], [2.0, 4.0]]

    def test_modalities_may_share_columns(self):
        given = read_form(TABLE, None, {"left": ["a", "b"], "right": ["b", "c"]}).read(TABLE)
        assert given["left"]["b"].tolist() == given["right"]["b"].tolist()

    @pytest.mark.parametrize("layout", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
    def test_a_sparse_table_stays_sparse(self, layout):
        X = sp.csr_array(np.eye(6)).asformat(layout)
        given = read_form(X, None, {"left": slice(0, 2), "right": slice(2, 6)}).read(X)
        assert all(sp.issparse(rows) for rows in given.values())
        np.testing.assert_array_equal(given["right"].toarray(), np.eye(6)[:, 2:])

    def test_labels_are_left_alone(self):
        modalities = {"left": ["a"], "right": ["c"]}
        assert list(read_form(TABLE, [0, 1], modalities).read(TABLE, [0, 1])) == ["left", "right"]

    @pytest.mark.parametrize("at_fit", [pd.DataFrame, pl.DataFrame])
    @pytest.mark.parametrize("at_transform", [pd.DataFrame, pl.DataFrame])
    def test_columns_are_found_by_name_at_transform(self, at_fit, at_transform):
        columns = TABLE.to_dict("list")
        form = read_form(at_fit(columns), None, {"left": [0], "right": ["c"]})
        given = form.read(at_transform(columns)[["c", "b", "a", "caption"]])
        assert given["left"].to_numpy().tolist() == [[1.0], [2.0]]

    def test_refuses_names_that_repeat(self):
        table = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["a", "a", "b"])
        with pytest.raises(ValueError, match=r"'left' selects .* unique column names"):
            read_form(table, None, {"left": 0, "right": [1, 2]})

    def test_an_array_is_cut_by_position_where_a_data_frame_was_fitted(self):
        given = read_form(TABLE, None, {"left": ["a"], "right": ["c"]}).read(TABLE.to_numpy())
        assert given["right"].tolist() == [[5.0], [6.0]]

    @pytest.mark.parametrize(
        "columns", [slice(0, 2), [0, 1], slice(0, 4, 2), [True, True] + [False] * 2]
    )
    def test_a_memory_map_is_cut_without_reading_it(self, tmp_path, columns):
        X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(5, 4))
        X[:] = np.arange(20).reshape(5, 4)
        left = read_form(X, None, {"left": columns, "right": [3]}).read(X)["left"]
        assert isinstance(left, np.memmap)
        assert np.shares_memory(left, X)
        np.testing.assert_array_equal(left, np.asarray(X)[:, columns])

    @pytest.mark.parametrize("columns", [[0, 3, 1], [2, 1, 0], [0, 0], [0, 1, 3], [-1, 0]])
    def test_columns_in_any_order(self, columns):
        X = np.arange(20).reshape(5, 4)
        left = read_form(X, None, {"left": columns, "right": [3]}).read(X)["left"]
        np.testing.assert_array_equal(left, X[:, columns])

    def test_a_callable_sees_the_whole_table(self):
        X = np.array([[0.0, 1.0, 0.0], [0.0, 2.0, 5.0]])
        form = read_form(X, None, {"left": lambda X: np.flatnonzero(X.any(axis=0)), "right": 0})
        assert form.positions["left"] == [1, 2]

    @pytest.mark.parametrize("X", [np.zeros((2, 3, 4)), np.zeros(3), ["a", "b"]])
    def test_refuses_what_is_not_a_table(self, X):
        with pytest.raises(ValueError, match="splits a 2-d table by columns"):
            read_form(X, None, {"left": [0], "right": [1]})

    @pytest.mark.parametrize(
        ("modalities", "error", "message"),
        [
            ({"left": ["a"]}, ValueError, "at least two modalities"),
            ([["a"], ["b"]], TypeError, "modalities must map names to columns, got list"),
            ({"left": ["a"], "right": []}, ValueError, "'right' selects no column.*n_features=4"),
            ({"left": ["a"], "right": slice(4, 9)}, ValueError, "'right' selects no column"),
            ({"left": ["a"], "right": ["capt"]}, ValueError, r"'right' selects .*mean 'caption'\?"),
            ({"left": ["a"], "right": "capt"}, ValueError, r"'right' selects .*mean 'caption'\?"),
            ({"left": ["a"], "right": [0, 4]}, ValueError, r"'right' selects .*in \[0, 3\]"),
            ({"left": ["a"], "right": 0.5}, ValueError, "'right' selects 0.5 .*specification"),
            ({"left": ["a"], "right": slice("a", "b", 2)}, ValueError, "step must be 1"),
            ({"left": ["a"], "right": None}, ValueError, "'right' selects None"),
            ({"left": ["a"], 2: ["b"]}, TypeError, "names must be strings, got 2"),
        ],
    )
    def test_refuses(self, modalities, error, message):
        with pytest.raises(error, match=message):
            read_form(TABLE, None, modalities)


class TestTables:
    def test_two_tables_are_a_pair(self):
        form = read_form(IMAGE, IMAGE, None)
        assert form.names == ["x", "y"]
        assert form.is_pair
        assert form.label_names == frozenset()
        assert list(form.read(IMAGE)) == ["x"]
        assert list(form.read(IMAGE, IMAGE)) == ["x", "y"]

    @pytest.mark.parametrize(
        "y",
        [
            [0, 1, 0, 1],
            ["a", "b", "a", "b"],
            [True, False, True, False],
            pd.Series(["a", "b"] * 2, dtype="category"),
            np.array([1, 2, 1, 2], object),
            np.arange(30) % 15,
            [str(i % 15) for i in range(30)],
            pd.Series(np.arange(30), dtype="category"),
        ],
    )
    def test_one_dimension_of_classes_is_labels(self, y):
        assert read_form(IMAGE, y, None).label_names == {"y"}

    @pytest.mark.parametrize(
        "y",
        [
            [0.5, 1.0, 2.0, 1.5],
            [1.0, 2.0, 1.0, 2.0],
            [[0], [1], [0], [1]],
            np.zeros((4, 2), int),
            sp.csr_array(np.eye(4)),
            pd.DataFrame({"age": [20, 30, 20, 30]}),
        ],
    )
    def test_numbers_and_columns_are_not(self, y):
        assert read_form(IMAGE, y, None).label_names == frozenset()

    @pytest.mark.parametrize("of", [int, str])
    def test_values_that_nearly_all_differ_are_not(self, of):
        """With 21 of 42 different they are classes, with 22 of 43 they are not."""
        assert holds_classes([of(i % 21) for i in range(42)])
        assert not holds_classes([of(i % 22) for i in range(43)])
        assert holds_classes([of(i) for i in range(20)])

    def test_refuses_unequal_rows(self):
        form = read_form(IMAGE, IMAGE, None)
        with pytest.raises(ValueError, match="'x' has 4, 'y' has 3"):
            form.read(IMAGE, IMAGE[:3])

    @pytest.mark.parametrize(
        ("y", "error", "message"),
        [
            (None, ValueError, "requires y to be passed.*modalities= to split one table"),
            ("abcd", TypeError, "modality 'y' must be an array.*got str"),
            (np.array(1.0), ValueError, "got a single value"),
        ],
    )
    def test_refuses_targets(self, y, error, message):
        with pytest.raises(error, match=message):
            read_form(IMAGE, y, None)


class TestDataset:
    def test_names_come_from_the_first_item(self):
        form = read_form(ListDataset([{"image": IMAGE[0], "text": "a"}]), None, None)
        assert form.names == ["image", "text"]
        assert list(form.read({"image": IMAGE})) == ["image"]

    @pytest.mark.parametrize(
        ("dataset", "error", "message"),
        [
            (ListDataset([]), ValueError, "at least one item, and a length"),
            (Dataset(), ValueError, "at least one item, and a length"),
            (ListDataset([(1, 2)]), TypeError, "must yield mappings .*, got tuple"),
            (ListDataset([{"a": 1}]), ValueError, "at least two modalities"),
        ],
    )
    def test_refuses(self, dataset, error, message):
        with pytest.raises(error, match=message):
            read_form(dataset, None, None)

    def test_refuses_columns(self):
        with pytest.raises(ValueError, match="omit it for a Dataset"):
            read_form(ListDataset([{"a": 1, "b": 2}]), None, {"a": [0], "b": [1]})


@pytest.mark.parametrize(
    "container", [np.array, list, pd.DataFrame, pl.DataFrame, sp.csr_array, lambda X: X[:, :, None]]
)
def test_check_table_lets_tables_pass(container):
    check_table(container(IMAGE))


def test_a_dok_matrix_is_a_table_though_it_is_a_mapping():
    X = sp.dok_array(np.eye(4))
    assert isinstance(X, dict)
    assert is_table(X)
    assert read_form(X, X, None).names == ["x", "y"]
    with pytest.raises(TypeError, match=r"fitted on a mapping .*got dok_array"):
        read_form({"a": IMAGE, "b": IMAGE}, None, None).read(X)


def test_check_table_lets_text_pass():
    check_table(TEXT)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (None, TypeError, "expected a table, or a mapping .*, got NoneType"),
        ("table.csv", TypeError, "got str: 'table.csv'"),
        (3.0, TypeError, "got float"),
        (np.array(3.0), ValueError, "single value"),
        ([1.0, 2.0], ValueError, r"1-d array of shape \(2,\). Reshape your data"),
        (pd.Series([1.0, 2.0]), ValueError, "Reshape your data"),
        (pd.DataFrame(np.eye(3), columns=list("aba")), ValueError, r"got \['a'\] more than once"),
    ],
)
def test_check_table_refuses(X, error, message):
    with pytest.raises(error, match=message):
        check_table(X)


@pytest.mark.parametrize(
    ("form", "X"),
    [
        (read_form({"a": IMAGE, "b": TEXT}, None, None), {"a": IMAGE, "b": TEXT}),
        (read_form(TABLE, None, {"a": ["a", "b"], "b": "caption"}), TABLE),
        (read_form(IMAGE, None, {"a": [0], "b": slice(1, 2)}), IMAGE),
        (read_form(IMAGE, [0, 1, 0, 1], None), IMAGE),
        (read_form(IMAGE, IMAGE, None), IMAGE),
    ],
)
def test_forms_travel_as_plain_values(form, X):
    other = form_from_dict(json.loads(json.dumps(form_to_dict(form))))
    assert other == form
    assert (other.names, other.label_names, other.is_pair) == (
        form.names,
        form.label_names,
        form.is_pair,
    )
    for name, rows in form.read(X).items():
        np.testing.assert_array_equal(other.read(X)[name], rows)

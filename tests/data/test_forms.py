"""The three forms of paired data, told apart and read alike ever after."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from torch.utils.data import Dataset

from mibsk import ClassPairs, Modalities
from mibsk.data import read_form

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
        with pytest.raises(ValueError, match="leave it out when X is a mapping"):
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
        assert given["left"].tolist() == [[1.0], [2.0]]
        X = np.arange(6.0).reshape(2, 3)
        given = read_form(X, None, {"left": 0, "right": -1}).read(X)
        assert given["right"].tolist() == [[2.0], [5.0]]

    def test_a_column_of_strings_is_text(self):
        form = read_form(TABLE, None, {"numbers": ["a", "b"], "caption": "caption"})
        given = form.read(TABLE)
        assert given["caption"].tolist() == ["x", "y"]
        assert given["numbers"].astype(float).tolist() == [[1.0, 3.0], [2.0, 4.0]]

    def test_modalities_may_share_columns(self):
        given = read_form(TABLE, None, {"left": ["a", "b"], "right": ["b", "c"]}).read(TABLE)
        assert given["left"][:, 1].tolist() == given["right"][:, 0].tolist()

    def test_a_sparse_table_stays_sparse(self):
        X = sp.csr_array(np.eye(6))
        given = read_form(X, None, {"left": slice(0, 2), "right": slice(2, 6)}).read(X)
        assert all(sp.issparse(rows) for rows in given.values())
        np.testing.assert_array_equal(given["right"].toarray(), np.eye(6)[:, 2:])

    def test_labels_are_left_alone(self):
        modalities = {"left": ["a"], "right": ["c"]}
        assert list(read_form(TABLE, [0, 1], modalities).read(TABLE, [0, 1])) == ["left", "right"]

    def test_columns_are_found_by_name_at_transform(self):
        form = read_form(TABLE, None, {"left": ["a"], "right": ["c"]})
        given = form.read(TABLE[["c", "b", "a", "caption"]])
        assert given["left"].tolist() == [[1.0], [2.0]]

    @pytest.mark.parametrize(
        ("modalities", "error", "message"),
        [
            ({"left": ["a"]}, ValueError, "at least two modalities"),
            ([["a"], ["b"]], TypeError, "modalities must map names to columns, got list"),
            ({"left": ["a"], "right": []}, ValueError, "'right' selects no column"),
            ({"left": ["a"], "right": ["zz"]}, ValueError, "column.*dataframe"),
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
            [1.0, 2.0, 1.0, 2.0],
        ],
    )
    def test_one_dimension_of_classes_is_labels(self, y):
        assert read_form(IMAGE, y, None).label_names == {"y"}

    @pytest.mark.parametrize(
        "y", [[0.5, 1.0, 2.0, 1.5], [[0], [1], [0], [1]], np.zeros((4, 2), int)]
    )
    def test_numbers_and_columns_are_not(self, y):
        assert read_form(IMAGE, y, None).label_names == frozenset()

    def test_refuses_unequal_rows(self):
        form = read_form(IMAGE, IMAGE, None)
        with pytest.raises(ValueError, match="'x' has 4, 'y' has 3"):
            form.read(IMAGE, IMAGE[:3])

    @pytest.mark.parametrize(
        ("y", "error", "message"),
        [
            (None, ValueError, "requires y to be passed.*modalities= to cut one table"),
            ([1.0, np.nan, 0.0, 1.0], ValueError, "modality 'y' contains NaN .first at row 1"),
            ("abcd", TypeError, "modality 'y' must be an array.*got str"),
            (np.array(1.0), ValueError, "got a single value"),
            (np.array(["a", 1, "b", 2], object), ValueError, "modality 'y' .*mixed types"),
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
            (ListDataset([]), TypeError, "a length and at least one item"),
            (Dataset(), TypeError, "a length and at least one item"),
            (ListDataset([(1, 2)]), TypeError, "must yield mappings .*, got tuple"),
            (ListDataset([{"a": 1}]), ValueError, "at least two modalities"),
        ],
    )
    def test_refuses(self, dataset, error, message):
        with pytest.raises(error, match=message):
            read_form(dataset, None, None)

    def test_refuses_columns(self):
        with pytest.raises(ValueError, match="leave it out for a Dataset"):
            read_form(ListDataset([{"a": 1, "b": 2}]), None, {"a": [0], "b": [1]})

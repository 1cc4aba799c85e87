import hashlib
import json
import mmap
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mibsk.exceptions import NotInstalledError
from mibsk.reporting import measure_files, read_matrix
from mibsk.reporting._matrix_files import source_of

A = np.random.default_rng(0).standard_normal((20, 5))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "g", ">f8", "i4", "u1", "?"])
def test_npy_of_any_real_type(folder, dtype):
    np.save("a.npy", (9 * A).astype(dtype))
    found = read_matrix("a.npy")
    assert found.dtype in (np.float32, np.float64)
    np.testing.assert_array_equal(found, (9 * A).astype(dtype).astype(found.dtype))


def test_a_large_npy_stays_on_the_disk(folder):
    np.save("a.npy", A.astype(np.float32))
    found = read_matrix("a.npy")
    while isinstance(found.base, np.ndarray):
        found = found.base
    assert isinstance(found.base, mmap.mmap)


def test_npz_with_one_array_or_a_name(folder):
    np.savez("one.npz", A)
    np.savez_compressed("two.npz", x=A, y=2 * A)
    np.testing.assert_array_equal(read_matrix("one.npz"), A)
    np.testing.assert_array_equal(read_matrix("two.npz:y"), 2 * A)


def test_a_file_may_have_a_colon_in_its_name(folder):
    np.savez("b.npz:x.npz", A)
    np.testing.assert_array_equal(read_matrix("b.npz:x.npz"), A)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("suffix", "sep"), [("csv", ","), ("tsv", "\t"), ("CSV", ",")])
def test_text_with_and_without_header(folder, header, suffix, sep):
    names = [f"f{i}" for i in range(5)]
    pd.DataFrame(A, columns=names).to_csv(f"a.{suffix}", sep=sep, header=header, index=False)
    np.testing.assert_allclose(read_matrix(f"a.{suffix}"), A, rtol=1e-12)


def test_row_numbers_that_pandas_writes_are_left_out(folder):
    pd.DataFrame(A, columns=list("abcde")).to_csv("a.csv")
    np.testing.assert_array_equal(read_matrix("a.csv"), A)


def test_a_first_column_that_does_not_count_stays(folder):
    pd.DataFrame(A, columns=["", *"bcde"]).to_csv("a.csv", index=False)
    assert read_matrix("a.csv").shape == (20, 5)


@pytest.mark.parametrize("index", [True, False])
def test_names_that_count_the_columns_are_no_row(folder, index):
    pd.DataFrame(A).to_csv("a.csv", index=index)
    np.testing.assert_allclose(read_matrix("a.csv"), A, rtol=1e-6)


def test_a_first_row_with_a_gap_is_no_header(folder):
    write("a.csv", b"1.5,,2.5\n1,2,3\n")
    with pytest.raises(ValueError, match="in 1 of 2 rows, first in row 0"):
        read_matrix("a.csv")


def test_byte_order_mark_and_windows_lines(folder):
    write("a.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n")
    np.testing.assert_array_equal(read_matrix("a.csv"), [[1, 2], [3, 4]])


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("sep", "decimal"), [(";", "."), (";", ","), ("\t", "."), ("|", ".")])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_another_separator_is_found(folder, suffix, sep, decimal, header):
    table = pd.DataFrame(A, columns=list("abcde"))
    table.to_csv("plain.csv", index=False)
    table.to_csv(f"a.{suffix}", sep=sep, decimal=decimal, header=header, index=False)
    np.testing.assert_array_equal(read_matrix(f"a.{suffix}"), read_matrix("plain.csv"))


def test_what_savetxt_writes(folder):
    np.savetxt("a.csv", A)
    np.testing.assert_array_equal(read_matrix("a.csv"), A)


def test_a_decimal_comma_after_the_first_lines(folder):
    write("a.csv", b"a;b\n" + 40 * b"1;2\n" + b"0,5;3\n")
    assert read_matrix("a.csv")[-1].tolist() == [0.5, 3.0]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("suffix", "sep"), [("csv", ","), ("tsv", "\t")])
def test_a_column_of_json_lists(folder, suffix, sep, header):
    table = pd.DataFrame({"embedding": [json.dumps(row.tolist()) for row in A]})
    table.to_csv(f"a.{suffix}", sep=sep, header=header, index=False)
    np.testing.assert_array_equal(read_matrix(f"a.{suffix}"), A)
    if header:
        table.to_csv(f"a.{suffix}", sep=sep)  # with row numbers
        np.testing.assert_array_equal(read_matrix(f"a.{suffix}"), A)


def test_parquet_of_columns_and_of_lists(folder):
    pytest.importorskip("pyarrow")
    pd.DataFrame(A, columns=list("abcde")).to_parquet("a.parquet")
    pd.DataFrame({"embedding": list(A)}).to_parquet("lists.parquet")
    np.testing.assert_array_equal(read_matrix("a.parquet"), A)
    np.testing.assert_array_equal(read_matrix("lists.parquet"), A)


def test_parquet_without_pyarrow_names_the_command(folder, monkeypatch):
    write("a.parquet", b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotInstalledError, match="pip install pyarrow"):
        read_matrix("a.parquet")


def spoiled(value):
    B = A.copy()
    B[7, 2] = value
    return B


NPY = {
    "torn.npy": "incomplete or damaged",
    "head.npy": "incomplete or damaged",
    "objects.npy": "pickled Python objects, which are never read",
    "nan.npy": "in 1 of 20 rows, first in row 7",
    "inf.npy": "in 1 of 20 rows, first in row 7",
    "flat.npy": "got shape (20,): reshape",
    "deep.npy": "got shape (20, 5, 1): reshape",
    "scalar.npy": "got shape (): reshape",
    "text.npy": "values of type <U",
    "complex.npy": "values of type complex128",
    "record.npy": "not real numbers",
    "one.npy": "at least 2 row(s)",
    "none.npy": "at least 2 row(s)",
    "narrow.npy": "1 column, got shape (20, 0)",
    "words.npy": "not a .npy file",
    "archive.npy": "a .npz archive: rename it",
    "empty.npy": "is empty (0 bytes)",
    "folder.npy": "is a folder",
    "missing.npy": "does not exist",
    "nowhere/a.npy": "there is no folder nowhere",
    "goodd.npy": "did you mean 'good.npy'?",
}


def make_npy():
    np.save("good.npy", A)
    content = Path("good.npy").read_bytes()
    write("torn.npy", content[:300])
    write("head.npy", content[:50])
    np.save("objects.npy", np.array([{}, 1], object), allow_pickle=True)
    np.save("nan.npy", spoiled(np.nan))
    np.save("inf.npy", spoiled(-np.inf))
    np.save("flat.npy", A[:, 0])
    np.save("deep.npy", A[:, :, None])
    np.save("scalar.npy", np.float64(1))
    np.save("text.npy", A.astype(str))
    np.save("complex.npy", A + 1j)
    np.save("record.npy", np.zeros((2, 2), [("a", "f4")]))
    np.save("one.npy", A[:1])
    np.save("none.npy", A[:0])
    np.save("narrow.npy", A[:, :0])
    write("words.npy", b"hello")
    np.savez("archive.npz", A)
    write("archive.npy", Path("archive.npz").read_bytes())
    write("empty.npy", b"")


@pytest.mark.parametrize(("name", "message"), NPY.items())
def test_a_bad_npy_is_refused(folder, name, message):
    make_npy()
    (folder / "folder.npy").mkdir()
    with pytest.raises(ValueError, match=f"^{re.escape(name)}.*{re.escape(message)}"):
        read_matrix(name)


def test_a_bad_npz_is_refused(folder):
    np.savez("two.npz", x=A, y=A)
    np.savez("none.npz")
    np.savez("objects.npz", np.array([{}], object))
    content = bytearray(Path("two.npz").read_bytes())
    write("torn.npz", content[: len(content) // 2])
    content[300] ^= 255
    write("flipped.npz", content)
    write("words.npz", b"hello")
    for name, message in {
        "two.npz": r"holds 2 arrays \(x, y\): say which, as in two.npz:x",
        "two.npz:z": r"no array 'z': it holds x, y",
        "none.npz": "holds no array",
        "objects.npz": "never read",
        "torn.npz": "incomplete or damaged",
        "flipped.npz:x": "incomplete or damaged",
        "words.npz": "not a .npz archive",
    }.items():
        with pytest.raises(ValueError, match=message):
            read_matrix(name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3,x\n", r"column 'b' \('x' in row 1\)"),
        (b"a,b\n1,2\n3,4,5\n", "Expected 2 fields in line 3, saw 3"),
        (b"a,b\n1,2\n3\n", "in 1 of 2 rows, first in row 1"),
        (b"a,b\n1,2\n3,nan\n", "in 1 of 2 rows, first in row 1"),
        (b"a;b\n1;2\n3;4;5\n", "';' between its cells, but 2 of them in the first line"),
        (b"a\tb\n0,1\t0,2\n0,3\t0,4\n", r"numbers with a comma in column 'a' \('0,1'\): write"),
        (b'a\n"1,234"\n"2,345"\n', r"numbers with a comma in column 'a' \('1,234'\)"),
        (b"a;b\n1.5;0,5\n2.5;1,5\n", "a decimal comma and others with a decimal point"),
        (b"a;b\n1.234,5;1\n2.345,5;2\n", r"column 'a' \('1.234,5' in row 0\)"),
        (b"0,1\t0,2\n0,3\t0,4\n", r"',' and '\\t' in each of its first lines"),
        (b"NA,1\n2,3\n4,5\n", "in 1 of 3 rows, first in row 0"),
        (b'e\n"[1, 2]"\n"[1]"\n', r"column 'e' must .*\(2,\) at row 0 and \(1,\) at row 1"),
        (b'e\n"[1, 2]"\n"[1, null]"\n', "in 1 of 2 rows, first in row 1"),
        (b'e\n"[1, 2]"\n\n"[3, 4]"\n""\n', "in 1 of 3 rows, first in row 2"),
        (b'e\n"[""x""]"\n"[1]"\n', "column 'e' has lists of values that are not numbers"),
        (b"e\n[0.1 0.2]\n[0.3 0.4]\n", r"not numbers in column 'e' .*json\.dumps writes"),
        (b"a,b\n", "no rows"),
        (b"\n\n", "blank"),
        (b"\xe4,b\n1,2\n", "not UTF-8"),
        (b"a,b\n1,2\n\xe4,2\n", "not UTF-8"),
        (b"\0" * 100, "no rows"),
        (b"a,b\n1,1e999\n2,3\n", "infinite values in 1 of 2 rows, first in row 0"),
        (b"a,b\n1,2020-01-01\n2,2020-01-02\n", "column 'b'"),
        (b'a,b\n"1,2\n3,4\n', "not a table"),
    ],
)
def test_a_bad_csv_is_refused(folder, content, message):
    write("a.csv", content)
    with pytest.raises(ValueError, match=rf"^a\.csv.*{message}"):
        read_matrix("a.csv")


def test_a_bad_parquet_is_refused(folder):
    pytest.importorskip("pyarrow")
    write("torn.parquet", b"PAR1")
    pd.DataFrame({"e": [[1.0, 2.0], [3.0]]}).to_parquet("ragged.parquet")
    pd.DataFrame({"e": ["a", "b"]}).to_parquet("words.parquet")
    pd.DataFrame({"e": [1.0, None]}).to_parquet("gaps.parquet")
    for name, message in {
        "torn": "not a Parquet file",
        "ragged": r"column 'e' must .* one shape, got \(2,\) at row 0 and \(1,\) at row 1",
        "words": "values that are not numbers in column 'e'",
        "gaps": "in 1 of 2 rows, first in row 1",
    }.items():
        with pytest.raises(ValueError, match=message):
            read_matrix(f"{name}.parquet")


@pytest.mark.parametrize("name", ["model.pt", "a.txt", "plain"])
def test_other_kinds_of_files_are_refused(folder, name):
    write(name, b"1 2")
    with pytest.raises(ValueError, match=r"expected \.npy, \.npz, \.csv, \.tsv or \.parquet"):
        read_matrix(name)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_damage_anywhere_is_one_clear_error_or_none(folder, suffix):
    np.save("good.npy", A)
    np.savez_compressed("good.npz", A)
    content = Path(f"good.{suffix}").read_bytes()
    rng, messages = np.random.default_rng(0), []
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(min(len(content), 400), size=rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        write(f"bad.{suffix}", damaged[: rng.integers(1, len(content) + 1)])
        try:
            read_matrix(f"bad.{suffix}")
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(f"bad.{suffix}" in message and "\n" not in message for message in messages)


def test_the_digest_is_that_of_the_file(folder):
    np.save("a.npy", A)
    source = source_of("a.npy")
    assert source.path == "a.npy"
    assert source.sha256 == hashlib.sha256(Path("a.npy").read_bytes()).hexdigest()


class TestNamesOfRows:
    @pytest.fixture
    def table(self):
        names = pd.Index([f"S{i:03}" for i in range(20)], name="sample")
        rows = np.random.default_rng(0).normal(size=(20, 3))
        return pd.DataFrame(rows, index=names, columns=list("abc"))

    @pytest.mark.parametrize("header", [["a", "b", "c"], ["0", "1", "2"], False])
    @pytest.mark.parametrize("index", ["sample", None])
    def test_are_no_values(self, table, tmp_path, header, index):
        written = table.rename_axis(index)
        if header:
            written.columns = header
        written.to_csv(tmp_path / "a.csv", header=bool(header))
        found = read_matrix(str(tmp_path / "a.csv"))
        np.testing.assert_allclose(found, table.to_numpy())

    @pytest.mark.parametrize("index", ["sample", None])
    def test_in_another_order(self, table, tmp_path, index):
        labels = pd.DataFrame({"kind": ["x", "y"] * 10}, index=table.index)
        for name, content in {"a": table, "b": table[::-1], "labels": labels[::-1]}.items():
            content.rename_axis(index).to_csv(tmp_path / f"{name}.csv")
        a, b, of = (tmp_path / f"{name}.csv" for name in ("a", "b", "labels"))
        for files in ((a, b), (a, a, of)):
            with pytest.raises(ValueError, match=r"has the row names of .* in another order"):
                measure_files(*files, n_permutations=0)

    def test_lists_are_values(self, tmp_path):
        (tmp_path / "a.csv").write_text('x,y\n"[1, 2]","[3]"\n"[4, 5]","[6]"\n')
        with pytest.raises(ValueError, match="numbers in column 'x'"):
            read_matrix(str(tmp_path / "a.csv"))

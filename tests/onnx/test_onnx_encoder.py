"""The transformer over an ONNX file: scikit-learn conventions, and no torch."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from onnx import TensorProto, helper
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from mibsk import IBAligner, Modalities, OnnxEncoder
from mibsk.exceptions import DependencyConflictError, NotInstalledError
from mibsk.onnx import _session, export_encoder


@pytest.fixture
def audio(exported):
    """The rows of the float modality."""
    return exported.rows["audio"]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A data frame, and the file of an encoder that was trained on it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=["low", "middle", "high"])
    data = {"tone": frame, "other": frame.to_numpy()[:, :2] + 0.1 * rng.normal(size=(30, 2))}
    aligner = IBAligner(n_components=2, max_epochs=1, random_state=0).fit(data)
    return frame, export_encoder(aligner, "tone", tmp_path_factory.mktemp("named") / "tone.onnx")


@pytest.fixture
def foreign(tmp_path):
    """A valid ONNX file that this package did not write."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "foreign.onnx")
    return tmp_path / "foreign.onnx"


def test_metadata(exported):
    encoder = OnnxEncoder(exported.files["photo"]).fit()
    assert encoder.input_ == exported.aligner.inputs_["photo"]
    assert encoder.metadata_.n_components == 5
    assert encoder.metadata_.params["random_state"] == "0"
    assert encoder.metadata_.parity <= 1e-4


def test_batch_size_does_not_matter(exported):
    for modality, rows in exported.rows.items():
        path = exported.files[modality]
        whole, parts = (OnnxEncoder(path, batch_size=n).transform(rows) for n in (64, 5))
        np.testing.assert_allclose(whole, parts, atol=1e-6)


def test_no_rows(dense_file, audio):
    assert OnnxEncoder(dense_file).transform(audio[:0]).shape == (0, 5)


def test_feature_names_and_set_output(dense_file, audio):
    encoder = OnnxEncoder(dense_file).set_output(transform="pandas")
    table = pd.DataFrame(audio, index=range(5, 69))
    frame = encoder.transform(table)
    for mapping in ({"audio": table}, Modalities({"audio": table}), {"n": table, "audio": audio}):
        pd.testing.assert_frame_equal(encoder.transform(mapping), frame)
    assert list(frame.columns) == [f"onnxencoder{i}" for i in range(5)]
    assert list(frame.columns) == list(encoder.get_feature_names_out())
    assert list(frame.index) == list(range(5, 69))


def test_in_a_pipeline(dense_file, audio):
    labels = (audio[:, 0] > 0).astype(int)
    pipeline = make_pipeline(OnnxEncoder(dense_file), LogisticRegression())
    scores = cross_val_score(pipeline, audio, labels, cv=3, error_score="raise")
    assert scores.mean() > 0.7


def test_pickle_and_clone(dense_file, audio):
    encoder = OnnxEncoder(dense_file)
    z = encoder.transform(audio)
    session = encoder._open()
    stored = pickle.dumps(encoder)
    assert len(stored) < 2000  # the path, not the weights
    assert encoder._open() is session  # pickling leaves the original open
    for copied in (pickle.loads(stored), clone(encoder)):
        np.testing.assert_array_equal(copied.transform(audio), z)


def test_set_params_opens_the_other_file(exported):
    encoder = OnnxEncoder(exported.files["audio"])
    assert encoder.input_.name == "audio"
    encoder.set_params(path=exported.files["photo"])
    assert encoder.input_.name == "photo"
    assert encoder.transform(exported.rows["photo"]).shape == (64, 5)


def test_fit_reads_a_file_that_was_replaced(exported, tmp_path):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(exported.files["audio"].read_bytes())
    encoder = OnnxEncoder(path).fit()
    path.write_bytes(exported.files["photo"].read_bytes())
    assert encoder.input_.name == "audio"
    assert encoder.fit().input_.name == "photo"


def test_path_as_string_and_threads(dense_file, audio):
    encoder = OnnxEncoder(str(dense_file), n_threads=1)
    np.testing.assert_allclose(encoder.transform(audio), OnnxEncoder(dense_file).transform(audio))


def test_no_torch_in_the_process(dense_file):
    code = textwrap.dedent(
        f"""
        import sys
        import numpy as np
        import mibsk
        from mibsk import OnnxEncoder

        assert OnnxEncoder({str(dense_file)!r}).fit().transform(np.ones((3, 6))).shape == (3, 5)
        loaded = {{"torch", "skorch", "onnx"}} & set(sys.modules)
        assert not loaded, loaded
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class TestRows:
    def test_pixels_may_come_as_floats(self, exported):
        encoder = OnnxEncoder(exported.files["photo"])
        pixels = exported.rows["photo"]
        for dtype in (np.float64, np.float32, np.int64):
            np.testing.assert_array_equal(
                encoder.transform(pixels.astype(dtype)), encoder.transform(pixels)
            )

    @pytest.mark.parametrize("value", [0.5, -1.0, 256.0])
    def test_values_that_are_not_pixels_are_refused(self, exported, value, tmp_path):
        encoder = OnnxEncoder(exported.files["photo"], batch_size=10)
        X = exported.rows["photo"].astype(np.float32)
        X[50, 3, 3] = value
        np.save(tmp_path / "X.npy", X)
        for rows in (X, np.load(tmp_path / "X.npy", mmap_mode="r")):
            with pytest.raises(ValueError, match=r"'photo' takes uint8 rows.*Pass the raw pixels"):
                encoder.transform(rows)

    def test_memory_map(self, dense_file, audio, tmp_path):
        np.save(tmp_path / "X.npy", audio)  # float64
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        encoder = OnnxEncoder(dense_file, batch_size=10)
        np.testing.assert_allclose(encoder.transform(mapped), encoder.transform(audio), atol=1e-6)

    def test_sparse_formats(self, exported):
        encoder, rows = OnnxEncoder(exported.files["counts"]), exported.rows["counts"]
        for other in (rows.toarray(), sp.csc_array(rows), sp.coo_matrix(rows)):
            np.testing.assert_allclose(encoder.transform(other), encoder.transform(rows), atol=1e-6)

    def test_rows_without_an_entry(self, exported):
        encoder = OnnxEncoder(exported.files["counts"])
        empty = sp.csr_array((3, 50))
        expected = exported.aligner.embed({"counts": empty})["counts"]
        np.testing.assert_allclose(encoder.transform(empty), expected, atol=1e-4)

    def test_text(self, exported):
        encoder = OnnxEncoder(exported.files["text"])
        texts = ["never seen", "", "short text"]
        expected = exported.aligner.embed({"text": texts})["text"]
        np.testing.assert_allclose(encoder.transform(texts), expected, atol=1e-4)

    @pytest.mark.parametrize("modality", ["audio", "photo", "counts", "text"])
    def test_missing_rows(self, exported, modality):
        given = exported.rows[modality]
        given = given.toarray().tolist() if sp.issparse(given) else list(given)
        given[3] = given[60] = None
        expected = exported.aligner.encoder(modality).transform(given)
        encoder = OnnxEncoder(exported.files[modality], batch_size=10).fit(given)
        found = encoder.transform(given)
        assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [3, 60]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert np.isnan(encoder.fit([None, None]).transform([None, None])).all()

    @pytest.mark.parametrize(
        ("modality", "bad", "message"),
        [
            ("audio", np.zeros((2, 5)), "X has 5 features.*expecting 6 features"),
            ("audio", [[0.0] * 5 + [np.nan]], r"'audio' contains NaN \(first at row 0"),
            ("audio", sp.csr_array((2, 6)), "fitted on dense rows, got a sparse matrix"),
            ("audio", ["a", "b"], "'audio' was fitted on numbers, got strings"),
            ("photo", np.zeros((2, 8, 9)), r"rows of shape \(8, 9\), but \(8, 8\)"),
            ("counts", np.zeros((2, 49)), "X has 49 features.*expecting 50"),
            ("text", np.zeros((2, 3)), "'text' was fitted on strings"),
        ],
    )
    def test_bad_rows(self, exported, modality, bad, message):
        with pytest.raises((ValueError, TypeError), match=message):
            OnnxEncoder(exported.files[modality]).transform(bad)


class TestOneRow:
    """The shortest way of a row, which a server takes, and those that need another."""

    def test_equals_the_row_among_others(self, exported):
        for modality, rows in exported.rows.items():
            encoder = OnnxEncoder(exported.files[modality])
            whole = encoder.transform(rows)
            for i in (0, 63):
                np.testing.assert_allclose(
                    encoder.transform(rows[i : i + 1]), whole[i : i + 1], atol=1e-6
                )

    @pytest.mark.parametrize(
        "form",
        [
            lambda row: row.astype(np.float32),
            lambda row: row.astype(">f8"),
            lambda row: np.asfortranarray(np.repeat(row, 2, 0))[::2],
            lambda row: row.tolist(),
            lambda row: torch.from_numpy(row),
            lambda row: pd.DataFrame(row),
            lambda row: {"audio": row},
            lambda row: np.ma.MaskedArray(row),
        ],
    )
    def test_every_container(self, dense_file, audio, form):
        encoder = OnnxEncoder(dense_file)
        expected = encoder.transform(audio[:1])
        np.testing.assert_allclose(encoder.transform(form(audio[:1])), expected, atol=1e-6)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (np.full((1, 6), np.inf), r"'audio' contains infinity \(first at row 0"),
            (np.float32([[1, 2, 3, 4, 5, np.nan]]), r"'audio' contains NaN \(first at row 0"),
            (np.float32([[1, 2, np.inf, -np.inf, 5, 6]]), r"'audio' contains infinity"),
            (np.full((1, 6), 1e39), "'audio' contains a value too large for float32"),
            (np.float32([[1, 2, 3, 4, 5]]), "X has 5 features, but OnnxEncoder is expecting 6"),
            (np.float32([1, 2, 3, 4, 5, 6]), r"Reshape your data: X.reshape\(1, -1\)"),
            (np.ones((1, 6), complex), "Complex data not supported"),
            (np.ones((1, 6, 1)), r"rows of shape \(6, 1\), but \(6,\)"),
        ],
    )
    def test_bad_rows(self, exported, row, message):
        onnx, torch_encoder = (
            OnnxEncoder(exported.files["audio"]),
            exported.aligner.encoder("audio"),
        )
        with pytest.raises(ValueError, match=message):
            onnx.transform(row)
        with pytest.raises(ValueError, match=message.replace("OnnxEncoder", "ModalityEncoder")):
            torch_encoder.transform(row)

    def test_a_row_of_nan_is_missing(self, dense_file):
        row = np.full((1, 6), np.nan, np.float32)
        assert np.isnan(OnnxEncoder(dense_file).transform(row)).all()

    def test_values_whose_squares_overflow_are_no_error(self, exported):
        row = np.full((1, 6), 1e25, np.float32)
        expected = exported.aligner.embed({"audio": row})["audio"]
        found = OnnxEncoder(exported.files["audio"]).transform(row)
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_parameters_are_checked_after_the_file_was_opened(self, dense_file, audio):
        encoder = OnnxEncoder(dense_file, providers=[_session.CPU])
        encoder.transform(audio[:1])
        with pytest.raises(ValueError, match="batch_size"):
            encoder.set_params(batch_size=0).transform(audio[:1])
        encoder.set_params(batch_size=8).transform(audio[:1])
        encoder.providers[0] = "NoSuchProvider"  # in place
        with pytest.raises(RuntimeError, match="NoSuchProvider"):
            encoder.transform(audio[:1])

    def test_other_parameters_that_open_the_same_file_keep_it_open(self, dense_file, audio):
        encoder = OnnxEncoder(dense_file)
        encoder.transform(audio[:1])
        session = encoder._open().session
        encoder.set_params(path=str(dense_file), batch_size=4).transform(audio)
        assert encoder._open().session is session


class TestSklearnConventions:
    """In addition to scikit-learn's own checks, whose subclass writes a file in `fit`."""

    def test_columns_of_an_array(self, dense_file):
        encoder = OnnxEncoder(dense_file)
        assert encoder.n_features_in_ == 6
        assert not hasattr(encoder, "feature_names_in_")

    def test_columns_of_a_data_frame_are_known_by_name(self, named):
        frame, path = named
        encoder = OnnxEncoder(path)
        assert encoder.n_features_in_ == 3
        assert list(encoder.feature_names_in_) == ["low", "middle", "high"]
        shuffled = frame[["high", "low", "middle"]]
        np.testing.assert_array_equal(encoder.transform(shuffled), encoder.transform(frame))
        with pytest.raises(ValueError, match="feature names should match"):
            encoder.transform(frame.rename(columns={"low": "lo"}))
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            encoder.transform(frame.to_numpy())

    @pytest.mark.parametrize("modality", ["photo", "text"])
    def test_rows_without_columns(self, exported, modality):
        encoder = OnnxEncoder(exported.files[modality])
        assert not hasattr(encoder, "n_features_in_")
        assert not hasattr(encoder, "feature_names_in_")
        assert list(encoder.get_feature_names_out()) == [f"onnxencoder{i}" for i in range(5)]

    def test_fit_checks_rows_and_learns_nothing(self, exported, audio):
        encoder = OnnxEncoder(exported.files["audio"])
        expected = encoder.transform(audio)
        np.testing.assert_array_equal(encoder.fit(audio * 3).transform(audio), expected)
        np.testing.assert_array_equal(OnnxEncoder(encoder.path).fit_transform(audio), expected)
        with pytest.raises(ValueError, match="X has 5 features, but OnnxEncoder is expecting 6"):
            encoder.fit(audio[:, :5])
        spoiled = np.where(np.arange(6) == 2, np.nan, audio)
        with pytest.raises(ValueError, match="'audio' contains NaN"):
            make_pipeline(encoder, LogisticRegression()).fit(spoiled, audio[:, 0] > 0)

    def test_a_mapping_that_holds_the_modality(self, exported, audio):
        encoder = OnnxEncoder(exported.files["audio"])
        np.testing.assert_array_equal(encoder.transform(exported.rows), encoder.transform(audio))
        with pytest.raises(ValueError, match=r"missing modality 'audio'; got \['adio'\]\. Did you"):
            encoder.transform({"adio": audio})

    @pytest.mark.parametrize("container", ["pandas", "polars"])
    def test_set_output(self, named, container):
        frame, path = named
        encoder = OnnxEncoder(path)
        plain = encoder.transform(frame)
        encoder.set_output(transform=container)
        for embedded in (encoder.transform(frame), encoder.fit_transform(frame)):
            assert type(embedded).__module__.split(".")[0] == container
            assert list(embedded.columns) == ["onnxencoder0", "onnxencoder1"]
            np.testing.assert_array_equal(embedded.to_numpy(), plain)

    def test_needs_no_fit(self, dense_file):
        tags = OnnxEncoder(dense_file).__sklearn_tags__()
        assert not tags.requires_fit
        assert tags.input_tags.sparse
        assert tags.input_tags.string
        check_is_fitted(OnnxEncoder(dense_file))

    def test_attributes_of_a_missing_file(self, tmp_path):
        encoder = OnnxEncoder(tmp_path / "later.onnx")
        for learned in ("metadata_", "input_", "n_features_in_", "feature_names_in_"):
            assert not hasattr(encoder, learned)
        with pytest.raises(AttributeError, match=r"no ONNX file at .*later\.onnx: export one"):
            _ = encoder.metadata_
        with pytest.raises(FileNotFoundError, match="no ONNX file"):
            encoder.transform(np.zeros((2, 3)))

    @pytest.mark.parametrize(
        "params", [{"path": 3}, {"batch_size": 0}, {"n_threads": 0}, {"providers": None}], ids=repr
    )
    def test_parameters_out_of_range(self, dense_file, audio, params):
        encoder = OnnxEncoder(dense_file).set_params(**params)
        for call in (encoder.fit, encoder.transform):
            with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of Onnx"):
                call(audio)


class TestFiles:
    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no ONNX file at .*missing\.onnx: export one"):
            OnnxEncoder(tmp_path / "missing.onnx").fit()

    def test_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no ONNX file"):
            OnnxEncoder(tmp_path).fit()

    @pytest.mark.parametrize("content", [b"", b"hello world", b"\x08", bytes(range(256)) * 4])
    def test_not_an_onnx_file(self, tmp_path, content):
        path = tmp_path / "text.onnx"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"text\.onnx is not a valid ONNX file"):
            OnnxEncoder(path).fit()

    def test_truncated_file(self, dense_file, tmp_path):
        path = tmp_path / "half.onnx"
        path.write_bytes(dense_file.read_bytes()[:-500])
        with pytest.raises(ValueError, match=r"half\.onnx is"):
            OnnxEncoder(path).fit()

    def test_foreign_file(self, foreign):
        with pytest.raises(ValueError, match="not an encoder this version of mibsk can read"):
            OnnxEncoder(foreign).fit()
        with pytest.raises(ValueError, match=r"export it with mibsk\.onnx\.export_encoder"):
            OnnxEncoder(foreign).transform(np.zeros((2, 3)))

    @pytest.mark.parametrize("value", ["{", "[]", '{"name": "a"}'])
    def test_broken_metadata(self, dense_file, tmp_path, value):
        model = onnx.load(dense_file)
        for entry in model.metadata_props:
            if entry.key == "mibsk.input":
                entry.value = value
        onnx.save(model, tmp_path / "odd.onnx")
        with pytest.raises(ValueError, match="not an encoder this version of mibsk can read"):
            OnnxEncoder(tmp_path / "odd.onnx").fit()


class TestRuntime:
    def test_both_builds_installed(self, dense_file, monkeypatch):
        monkeypatch.setattr(_session, "distribution", lambda name: name)
        with pytest.raises(DependencyConflictError, match="both onnxruntime and onnxruntime-gpu"):
            OnnxEncoder(dense_file).fit()

    def test_not_installed(self, dense_file, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(NotInstalledError, match="pip install onnxruntime"):
            OnnxEncoder(dense_file).fit()

    @pytest.mark.parametrize("providers", [["CUDAExecutionProvider"], "CUDAExecutionProvider"])
    def test_cuda_where_there_is_none(self, dense_file, providers):
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this build of onnxruntime knows CUDA")
        with pytest.raises(
            RuntimeError, match=r"has no \['CUDAExecutionProvider'\].*onnxruntime-gpu"
        ):
            OnnxEncoder(dense_file, providers=providers).fit()

    def test_misspelt_provider(self, dense_file):
        with pytest.raises(RuntimeError, match=r"has no \['cpu'\]; it has .*CPUExecutionProvider"):
            OnnxEncoder(dense_file, providers=["cpu"]).fit()

    def test_session_that_falls_back(self, dense_file, monkeypatch):
        """The GPU build always lists CUDA, and falls back to the CPU silently."""
        import onnxruntime

        listed = [_session.CUDA, _session.CPU]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
        with (
            pytest.warns(UserWarning, match="CUDAExecutionProvider"),
            pytest.raises(RuntimeError, match=r"runs .* on CPUExecutionProvider, not on CUDA"),
        ):
            OnnxEncoder(dense_file, providers=[_session.CUDA, _session.CPU]).fit()
        monkeypatch.setattr(_session, "cuda_device_count", lambda: 1)
        with (
            pytest.warns(UserWarning, match="not in available"),
            pytest.warns(UserWarning, match="its GPU libraries could not be loaded"),
        ):
            assert OnnxEncoder(dense_file).fit()._open().session.get_providers() == [_session.CPU]

    def test_no_gpu_no_cuda(self, dense_file, monkeypatch):
        import onnxruntime

        listed = [_session.CUDA, _session.CPU]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
        monkeypatch.setattr(_session, "cuda_device_count", lambda: 0)
        assert OnnxEncoder(dense_file).fit()._open().session.get_providers() == [_session.CPU]

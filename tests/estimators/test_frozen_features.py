"""Features of frozen towers: computed once, the same as in the loop of training."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from mibsk import ClassPairs, IBAligner, IBAlignerCV
from mibsk.encoders import Frozen, register_encoder
from mibsk.encoders import _registry as registry
from mibsk.exceptions import FeatureCacheWarning
from mibsk.files import array_file
from mibsk.training import _frozen_features, _train
from mibsk.training._progress import rows_bar

N = 60
rows_read: list[int] = []  # number of rows in each call of a tower


class Tower(nn.Module):
    """A tower that counts the rows that it reads."""

    def __init__(self, seed=0, gain=1.0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.Dropout(0.5))
        self.gain = gain

    def forward(self, x):
        rows_read.append(len(x))
        return torch.tanh(self.gain * self.layers(x))


class RandomTower(Tower):
    """Dropout in eval mode too."""

    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.3, training=True)


class TowerOfBatches(Tower):
    """Features that depend on the other rows of the batch."""

    def forward(self, x):
        features = super().forward(x)
        return features - features.mean(0)


class SetTower(nn.Module):
    """A tower with settings that its `repr` and its state dict do not show."""

    def __init__(self, function=torch.relu):
        super().__init__()
        self.function, self.many = function, torch.zeros(3000)
        self.register_buffer("hidden", torch.arange(12.0), persistent=False)

    def forward(self, x):
        return self.function(x.flatten(1) * self.hidden + self.many[1500])


def negative_too(module, inputs, output):
    return torch.cat([output, -output], 1)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N, 3))
    return {
        "image": (hidden @ rng.normal(size=(3, 12)) + 5).reshape(N, 3, 4).astype(np.float32),
        "other": hidden @ rng.normal(size=(3, 5)) + 0.1 * rng.normal(size=(N, 5)),
    }


def aligner_of(tower=None, *, cache=None, scale_inputs=True, **kwargs):
    frozen = Frozen(Tower() if tower is None else tower, scale_inputs=scale_inputs, cache=cache)
    encoders = {"image": frozen, "other": "linear"}
    params = {"n_components": 4, "max_epochs": 5, "batch_size": 16, "random_state": 0}
    return IBAligner(**{**params, "encoders": encoders, **kwargs})


def n_read(fit):
    """Return the number of rows that towers read meanwhile, and the result."""
    rows_read.clear()
    result = fit()
    return sum(rows_read), result


def in_the_loop(fit, monkeypatch):
    """Return the result of a training that runs the tower in every epoch."""
    with monkeypatch.context() as patched:
        patched.setattr(_train, "with_features", lambda aligner, data, *others: data)
        return fit()


def assert_same(aligner, other, X, **tolerances):
    for name, z in aligner.embed(X).items():
        np.testing.assert_allclose(other.embed(X)[name], z, **(tolerances or {"atol": 1e-5}))
    for epoch, of_other in zip(aligner.history_, other.history_, strict=True):
        assert epoch["train_loss"] == pytest.approx(of_other["train_loss"], rel=1e-5)


def names(folder: Path):
    return sorted(path.name for path in folder.iterdir())


class TestOneFit:
    def test_each_row_is_read_once(self, data, monkeypatch):
        few, _ = n_read(lambda: aligner_of().fit(data))
        many, _ = n_read(lambda: in_the_loop(lambda: aligner_of().fit(data), monkeypatch))
        assert N <= few <= N + 30  # and some to try the tower
        assert many >= 5 * N
        assert n_read(lambda: aligner_of(max_epochs=50).fit(data))[0] == few

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"scale_inputs": False},
            {"bottleneck": None},
            {"minimality": "variational"},
            {"sufficiency": "siglip"},
            {"minimality": "modgap"},
            {"minimality": "structure"},
            {"early_stopping": True, "validation_fraction": 0.3},
        ],
        ids=str,
    )
    def test_the_model_is_that_of_a_tower_in_the_loop(self, data, params, monkeypatch):
        fitted = aligner_of(**params).fit(data)
        other = in_the_loop(lambda: aligner_of(**params).fit(data), monkeypatch)
        assert_same(fitted, other, data)

    def test_in_half_precision_only_the_head_is_rounded(self, data, monkeypatch):
        params = {"precision": "bfloat16", "bottleneck": None}
        fitted = aligner_of(**params).fit(data)
        other = in_the_loop(lambda: aligner_of(**params).fit(data), monkeypatch)
        assert fitted.history_[-1]["train_loss"] == pytest.approx(
            other.history_[-1]["train_loss"], rel=0.02
        )

    def test_verbose(self, data, capsys):
        aligner_of(verbose=1, bottleneck=None).fit(data)
        assert "features of modality 'image': 60 rows by its frozen" in capsys.readouterr().out

    def test_a_terminal_has_a_bar_of_rows(self, data, capsys, monkeypatch):
        monkeypatch.setattr("mibsk.training._progress._is_interactive", lambda: True)
        bars = []
        monkeypatch.setattr(
            "mibsk.training._frozen_features.rows_bar",
            lambda title, n: bars.append(rows_bar(title, n)) or bars[-1],
        )
        aligner_of(verbose=1, bottleneck=None).fit(data)
        assert [(bar.n, bar.total) for bar in bars] == [(60, 60)]
        assert "features of modality 'image':   0%" in capsys.readouterr().out

    def test_missing_rows(self, data, monkeypatch):
        data["image"][[3, 20, 21]] = np.nan
        fitted = aligner_of().fit(data)
        assert_same(fitted, in_the_loop(lambda: aligner_of().fit(data), monkeypatch), data)

    def test_pairs_by_class(self, data, monkeypatch):
        labels = np.arange(N) % 5
        pairs = ClassPairs({name: (rows, labels) for name, rows in data.items()})
        fitted = aligner_of().fit(pairs)
        assert_same(fitted, in_the_loop(lambda: aligner_of().fit(pairs), monkeypatch), data)

    def test_a_second_fit_gives_the_same_model_bit_for_bit(self, data):
        assert_same(aligner_of().fit(data), aligner_of().fit(data), data, rtol=0, atol=0)

    def test_a_registered_tower_of_both_modalities(self, data, monkeypatch):
        monkeypatch.setattr(registry, "factories", dict(registry.factories))
        register_encoder("tower", Frozen(Tower()))
        both = {"a": data["image"], "b": data["image"][:, ::-1].copy()}
        count, fitted = n_read(lambda: aligner_of(encoders="tower").fit(both))
        assert count <= 2 * (N + 30)
        assert fitted.embed(both)["a"].shape == (N, fitted.n_components_)

    def test_training_goes_on_with_the_tower_of_before(self, data, monkeypatch):
        def fit():
            aligner = aligner_of(warm_start=True).fit(data)
            other = Frozen(Tower(seed=1), scale_inputs=True)
            return aligner.set_params(encoders={"image": other, "other": "linear"}).fit(data)

        assert_same(fit(), in_the_loop(fit, monkeypatch), data)

    def test_partial_fit_reads_rows_as_they_come(self, data):
        aligner = aligner_of()
        counts = [n_read(lambda: aligner.partial_fit(data))[0] for _ in range(2)]
        assert max(counts) < N + 10  # and some of zeros, when the encoder is built

    def test_checkpoints_resume(self, data, tmp_path):
        whole = aligner_of().fit(data)
        aligner_of(max_epochs=5, checkpoint=tmp_path).fit(data)
        resumed = aligner_of(max_epochs=5, checkpoint=tmp_path).fit(data)
        assert_same(whole, resumed, data, rtol=0, atol=0)

    def test_more_features_than_fit_in_memory(self, data, monkeypatch, tmp_path):
        expected = aligner_of().fit(data)
        monkeypatch.setattr(_frozen_features, "IN_MEMORY", 0)
        monkeypatch.setattr(_frozen_features.tempfile, "tempdir", str(tmp_path))
        assert_same(expected, aligner_of().fit(data), data, rtol=0, atol=0)
        assert names(tmp_path) == []  # deleted with the features


class TestAside:
    """Towers that stay in the loop of training."""

    @pytest.mark.parametrize("tower", [RandomTower, TowerOfBatches])
    def test_the_model_is_that_of_a_tower_in_the_loop_bit_for_bit(self, data, tower, monkeypatch):
        fitted = aligner_of(tower(), bottleneck=None).fit(data)
        other = in_the_loop(lambda: aligner_of(tower(), bottleneck=None).fit(data), monkeypatch)
        assert [epoch["train_loss"] for epoch in fitted.history_] == [
            epoch["train_loss"] for epoch in other.history_
        ]

    @pytest.mark.parametrize("tower", [RandomTower, TowerOfBatches])
    def test_a_folder_that_is_not_used_is_named(self, data, tower, tmp_path):
        with pytest.warns(FeatureCacheWarning, match="of modality 'image' are not cached: its"):
            aligner_of(tower(), cache=tmp_path).fit(data)
        assert names(tmp_path) == []

    def test_items_of_a_dataset_may_differ_each_time(self, data, tmp_path):
        class Items(torch.utils.data.Dataset):
            def __len__(self):
                return N

            def __getitem__(self, i):
                return {name: rows[i] for name, rows in data.items()}

        count, _ = n_read(lambda: aligner_of(bottleneck=None).fit(Items()))
        assert count >= 5 * N
        with pytest.warns(FeatureCacheWarning, match="items of a torch Dataset may differ"):
            aligner_of(cache=tmp_path).fit(Items())


class TestFolder:
    """`cache` names a folder, where later fits find the features."""

    def test_other_fits_find_the_features(self, data, tmp_path):
        first = aligner_of(cache=tmp_path).fit(data)
        assert_same(aligner_of().fit(data), first, data, rtol=0, atol=0)
        (name,) = names(tmp_path)
        for params in ({}, {"beta": 3.0}, {"random_state": 1}, {"max_epochs": 2}):
            count, _ = n_read(lambda: aligner_of(cache=tmp_path, **params).fit(data))  # noqa: B023
            assert count < 30
        assert names(tmp_path) == [name]
        again = aligner_of(cache=tmp_path).fit(data)
        assert_same(first, again, data, rtol=0, atol=0)

    def test_whatever_the_features_depend_on_has_a_file_of_its_own(self, data, tmp_path):
        other = {**data, "image": data["image"].copy()}
        other["image"][0, 0, 0] += 1
        scaled = {**data, "image": 2 * data["image"]}
        for aligner, rows in [
            (aligner_of(), data),
            (aligner_of(), other),
            (aligner_of(), scaled),  # scaled to the same, but not surely to the last bit
            (aligner_of(Tower(seed=1)), data),
            (aligner_of(Tower(gain=2.0)), data),
            (aligner_of(scale_inputs=False), data),
        ]:
            before = names(tmp_path)
            expected = clone(aligner).fit(rows)
            aligner.encoders["image"].cache = tmp_path
            assert_same(expected, aligner.fit(rows), rows, rtol=0, atol=0)
            assert len(names(tmp_path)) == len(before) + 1

    @pytest.mark.parametrize(
        "change",
        [
            {"norm_first": True},
            {"activation": "gelu"},
            {"activation": nn.functional.elu},
            {"nhead": 4},
        ],
        ids=["norm_first", "gelu", "elu", "nhead"],
    )
    def test_settings_that_weights_and_repr_do_not_show(self, data, tmp_path, change):
        def tower(**params):
            torch.manual_seed(0)
            layer = nn.TransformerEncoderLayer(
                4, **{"nhead": 2, "dim_feedforward": 8, "batch_first": True, **params}
            )
            return nn.Sequential(layer, nn.Flatten())

        aligner_of(tower(), cache=tmp_path).fit(data)
        fitted = aligner_of(tower(**change), cache=tmp_path).fit(data)
        assert_same(aligner_of(tower(**change)).fit(data), fitted, data, rtol=0, atol=0)
        assert len(names(tmp_path)) == 2

    @pytest.mark.parametrize("change", ["function", "hook", "buffer", "tensor"])
    def test_functions_and_tensors_of_a_tower(self, data, tmp_path, change):
        first, other = SetTower(), SetTower()
        if change == "function":
            other.function = torch.tanh
        elif change == "hook":
            other.register_forward_hook(negative_too)
        elif change == "buffer":
            other.hidden[6] = 3.0
        else:
            other.many[1500] = 3.0
        aligner_of(first, cache=tmp_path).fit(data)
        fitted = aligner_of(other, cache=tmp_path).fit(data)
        assert_same(aligner_of(other).fit(data), fitted, data, rtol=0, atol=0)
        assert len(names(tmp_path)) == 2

    def test_a_change_that_nothing_shows_is_seen_in_the_features(self, data, tmp_path):
        class Gain:
            def __init__(self, gain):
                self._gain = gain

            def __call__(self, x):
                return self._gain * x

        def tower(gain):
            return SetTower(Gain(gain))

        aligner_of(tower(1), cache=tmp_path).fit(data)
        with pytest.warns(FeatureCacheWarning, match="features of another tower"):
            fitted = aligner_of(tower(-2), cache=tmp_path).fit(data)
        assert_same(aligner_of(tower(-2)).fit(data), fitted, data, rtol=0, atol=0)

    @pytest.mark.parametrize("n_bytes", [-1, 100])
    def test_a_damaged_file_is_written_anew(self, data, tmp_path, n_bytes):
        expected = aligner_of(cache=tmp_path).fit(data)
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        damaged = bytearray(whole[:n_bytes])
        damaged[50] ^= 1
        path.write_bytes(damaged)
        with pytest.warns(FeatureCacheWarning, match=r"delete it\. Its features are"):
            fitted = aligner_of(cache=tmp_path).fit(data)
        assert_same(expected, fitted, data, rtol=0, atol=0)
        assert path.read_bytes() == whole

    def test_features_that_stay_in_the_file(self, data, tmp_path, monkeypatch):
        expected = aligner_of().fit(data)
        monkeypatch.setattr(_frozen_features, "IN_MEMORY", 0)
        for _ in range(2):
            fitted = aligner_of(cache=tmp_path).fit(data)
            assert_same(expected, fitted, data, rtol=0, atol=0)

    def test_a_search_computes_the_features_of_each_fold_once(self, data, tmp_path):
        search = IBAlignerCV(
            aligner_of(cache=tmp_path, max_epochs=2), betas=[0.1, 1.0], cv=2, path_epochs=1
        )
        search.fit(data)
        assert len(names(tmp_path)) == 3  # two folds and all rows

    def test_features_are_read_from_a_folder_that_cannot_be_written(
        self, data, tmp_path, monkeypatch
    ):
        def refuse(path, *args):
            raise ValueError(f"{path} cannot be written")

        expected = aligner_of(cache=tmp_path).fit(data)
        monkeypatch.setattr(array_file, "check_can_write", refuse)
        monkeypatch.setattr(array_file, "write_array", refuse)
        assert_same(expected, aligner_of(cache=tmp_path).fit(data), data, rtol=0, atol=0)

    def test_a_folder_that_cannot_be_written(self, data, tmp_path):
        (tmp_path / "file").write_text("")
        aligner = aligner_of(cache=tmp_path / "file")
        with pytest.raises(ValueError, match=r"cannot be written: .*file is not a folder"):
            aligner.fit(data)
        with pytest.raises(ValueError, match="'cache' parameter of Frozen"):
            aligner_of(cache=5).fit(data)

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
    def test_a_fit_that_is_killed_leaves_no_features(self, tmp_path):
        code = textwrap.dedent(
            f"""
            import os, signal, sys
            import numpy as np
            from torch import nn
            from mibsk import IBAligner
            from mibsk.encoders import Frozen

            class Tower(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer, self.n = nn.Linear(4, 3), 0

                def forward(self, x):
                    self.n += len(x) > 100
                    if self.n > 1 and sys.argv[1] == "killed":
                        os.kill(os.getpid(), signal.SIGKILL)
                    return self.layer(x)

            X = np.random.default_rng(0).normal(size=(700, 4)).astype(np.float32)
            encoders = {{"a": Frozen(Tower(), cache={str(tmp_path)!r}), "b": "linear"}}
            IBAligner(encoders=encoders, max_epochs=1, n_components=2, random_state=0).fit(
                {{"a": X, "b": X[:, :2]}}
            )
            """
        )
        program = tmp_path.with_suffix(".py")
        program.write_text(code)
        run = [sys.executable, str(program)]
        done = subprocess.run([*run, "killed"], capture_output=True, env=os.environ)
        assert done.returncode == -signal.SIGKILL
        assert not list(tmp_path.glob("*.features"))
        subprocess.run([*run, "whole"], check=True, env=os.environ)
        assert len(list(tmp_path.glob("*.features"))) == 1

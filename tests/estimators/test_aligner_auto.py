"""``encoders="auto"``: the closed form beside the networks, from choice to file."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from mibsk import (
    CanonicalBottleneck,
    ClassPairs,
    IBAligner,
    IBAlignerCV,
    ModalityEncoder,
    OnnxEncoder,
    fit_together,
)
from mibsk.datasets import load_digits_halves
from mibsk.exceptions import NothingSharedWarning
from mibsk.onnx import export_encoders


def new(**params):
    return IBAligner(**{"n_components": 8, "max_epochs": 6, "random_state": 0, **params})


def linear_views(n=200, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, 6))
    return {
        name: (hidden @ rng.standard_normal((6, width)) + noise * rng.standard_normal((n, width)))
        for name, width in (("a", 30), ("b", 20))
    }


def halves(n=400):
    return {name: X[:n] for name, X in load_digits_halves().data.items()}


class RowsOfEpochs(Callback):
    """Number of rows of the last batch of each epoch."""

    def __init__(self):
        self.seen = {}

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        self.seen[len(net.history)] = len(batch["left"])


@pytest.fixture(scope="module")
def fitted():
    return new(max_epochs=20).fit(halves())


class TestChoice:
    def test_few_linear_pairs_are_left_to_the_closed_form(self):
        views = linear_views(80)
        aligner = new(max_epochs=2).fit(views)
        assert aligner.selection_["chosen"].idxmax() >= 1
        assert aligner.score(linear_views(80)) > 0.9

    def test_what_only_a_network_sees_is_left_to_the_network(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((600, 3))
        views = {"x": np.hstack([x, 0.1 * x]), "y": np.abs(x)}
        views["x"][:, 3:] += rng.standard_normal((600, 3))
        views["y"] = views["y"] + 0.01 * rng.standard_normal((600, 3))
        aligner = IBAligner(random_state=0).fit(views)
        assert aligner.selection_["chosen"].idxmax() <= 0.5

    def test_chosen_has_the_lowest_loss(self, fitted):
        table = fitted.selection_
        assert table.index.tolist() == [0, 0.25, 0.5, 1, 2, 4, np.inf]
        assert table["chosen"].sum() == 1
        assert table["loss"].idxmin() == table["chosen"].idxmax()
        assert table["recall"].between(0, 1).all()

    def test_too_few_pairs_to_compare(self):
        aligner = new(max_epochs=2).fit(linear_views(16))
        if aligner.closed_form_ is not None:
            assert aligner.selection_.empty
            assert aligner.closed_form_.alpha == 1

    def test_unrelated_modalities(self):
        rng = np.random.default_rng(0)
        noise = {"a": rng.standard_normal((60, 4)), "b": rng.standard_normal((60, 5))}
        with pytest.warns(NothingSharedWarning, match="distinguishable from chance"):
            aligner = new().fit(noise)
        assert np.isfinite(aligner.transform(noise)).all()

    def test_a_modality_that_does_not_vary(self):
        views = {**linear_views(60), "b": np.ones((60, 3))}
        with pytest.warns(UserWarning, match="rows occur more than once"):
            aligner = new().fit(views)
        assert aligner.closed_form_ is None
        with pytest.raises(AttributeError, match="encoders='auto' or 'canonical'"):
            aligner.selection_  # noqa: B018

    def test_told_in_the_log(self, capsys):
        new(verbose=1).fit(halves())
        assert "Closed form of the inputs: " in capsys.readouterr().out


class TestTraining:
    def test_held_out_pairs_are_used_in_the_second_half(self):
        rows = RowsOfEpochs()
        aligner = new(batch_size=-1, callbacks=[rows]).fit(halves())
        assert not aligner.closed_form_.is_alone
        assert rows.seen == {1: 300, 2: 300, 3: 300, 4: 400, 5: 400, 6: 400}

    def test_the_network_is_the_one_without_the_closed_form(self):
        """With early stopping, pairs are held out anyway, and the weights are the same."""
        params = {"early_stopping": True, "n_iter_no_change": 50}
        one, other = new(**params).fit(halves()), new(encoders="network", **params).fit(halves())
        for a, b in zip(
            one.module_.state_dict().values(), other.module_.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=0, atol=0)

    @pytest.mark.parametrize("params", [{"encoders": "network"}, {"early_stopping": True}])
    def test_callbacks_begin_once_where_the_pairs_do_not_change(self, params):
        begun = []

        class Begun(Callback):
            def on_train_begin(self, net, **kwargs):
                begun.append(len(net.history))

        new(callbacks=[Begun()], **params).fit(halves())
        assert begun == [0]

    @pytest.mark.parametrize(
        "params", [{"beta": "auto", "budget": 0.1}, {"early_stopping": True}, {"bottleneck": None}]
    )
    def test_with_other_settings(self, params):
        aligner = new(**params).fit(halves())
        assert len(aligner.selection_) == 7
        assert np.isfinite(aligner.transform(halves())).all()

    def test_dimension_is_at_most_n_components(self, fitted):
        assert fitted.n_components_ <= 8
        assert new(n_components=2).fit(halves()).n_components_ <= 2

    def test_same_seed_same_bits(self, fitted):
        again = clone(fitted).fit(halves())
        np.testing.assert_array_equal(again.transform(halves()), fitted.transform(halves()))

    def test_together_and_along_a_path(self):
        [one] = fit_together([new()], halves())
        np.testing.assert_array_equal(
            one.transform(halves()), new().fit(halves()).transform(halves())
        )
        cv = IBAlignerCV(new(), betas=(0.0, 1.0), cv=2).fit(halves())
        assert cv.transform(halves()).shape[0] == 400

    def test_partial_fit_trains_the_network_alone(self, fitted):
        more = clone(fitted).fit(halves()).partial_fit(halves())
        assert more.closed_form_ is None
        assert more.module_.encoder("left").closed_form is None

    def test_warm_start_chooses_again(self):
        aligner = new(warm_start=True).fit(halves()).fit(halves())
        assert len(aligner.selection_) == 7
        assert aligner.n_iter_ in (6, 9, 12)


class TestForms:
    def test_table_and_pair(self):
        views = linear_views()
        table = pd.DataFrame(np.hstack(list(views.values())))
        columns = {"a": slice(0, 30), "b": slice(30, 50)}
        of_table = new(modalities=columns).fit(table)
        of_pair = new().fit(views["a"], views["b"])
        assert of_table.score(table) == of_pair.score(views["a"], views["b"])

    def test_sparse_rows_and_strings(self):
        rng = np.random.default_rng(0)
        counts = rng.poisson(0.3, (120, 40)).astype(float)
        words = [" ".join(f"word{j}" for j in np.flatnonzero(row)) or "none" for row in counts]
        data = {"counts": sp.csr_array(counts), "text": words}
        aligner = new(max_epochs=20).fit(data)
        assert aligner.closed_form_ is not None
        assert aligner.score(data) > 0.5

    def test_images_pixels_and_sequences(self):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
        sequence = images[..., 0].reshape(60, 4, 16).astype(float)
        aligner = new(max_epochs=1).fit({"image": images, "sequence": sequence})
        assert aligner.transform({"image": images, "sequence": sequence}).shape[0] == 60

    def test_pairs_by_class(self):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 4, 200)
        centres = rng.standard_normal((4, 6))
        rows = {
            name: (centres @ rng.standard_normal((6, 6)))[labels] + rng.standard_normal((200, 6))
            for name in ("a", "b")
        }
        pairs = ClassPairs({name: (X, labels) for name, X in rows.items()}, random_state=0)
        assert np.isfinite(new().fit(pairs).embed(rows)["a"]).all()

    def test_three_modalities(self):
        views = linear_views()
        aligner = new().fit({**views, "c": views["a"] ** 2})
        assert set(aligner.embed(views)) == {"a", "b"}

    def test_a_dataset_is_read_in_several_passes(self):
        views = linear_views()

        class Pairs(torch.utils.data.Dataset):
            def __len__(self):
                return 200

            def __getitem__(self, i):
                return {name: X[i] for name, X in views.items()}

        found = new().fit(Pairs())
        assert len(found.selection_) == 7

    def test_a_stream_is_left_to_the_network(self):
        views = linear_views()

        class Stream(torch.utils.data.IterableDataset):
            def __iter__(self):
                return ({name: X[i] for name, X in views.items()} for i in range(200))

        assert new().fit(Stream()).closed_form_ is None
        with pytest.raises(ValueError, match="can be read several times"):
            new(encoders="canonical").fit(Stream())


class TestCanonical:
    def test_is_the_canonical_bottleneck_of_the_scaled_inputs(self):
        views = linear_views(300)
        aligner = new(encoders="canonical", input_scaling="columns").fit(views)
        expected = CanonicalBottleneck(8).fit(views)
        assert aligner.n_components_ == expected.n_components_
        for name, z in aligner.embed(views).items():
            np.testing.assert_allclose(z, expected.embed(views)[name], atol=1e-4)
        np.testing.assert_allclose(aligner.correlations_["train"], expected.correlations_["train"])
        assert aligner.history_ == []
        assert aligner.n_iter_ == 0
        assert aligner.selection_.empty

    @pytest.mark.parametrize("params", [{"early_stopping": True}, {"beta": "auto"}])
    def test_no_pairs_are_held_out(self, params):
        views = linear_views()
        aligner = new(encoders="canonical", **params).fit(views)
        expected = new(encoders="canonical").fit(views)
        np.testing.assert_array_equal(aligner.transform(views), expected.transform(views))

    def test_not_in_parts_nor_along_betas(self):
        with pytest.raises(ValueError, match="found from all pairs at once"):
            new(encoders="canonical").partial_fit(linear_views())
        with pytest.raises(ValueError, match="does not depend on beta"):
            IBAlignerCV(new(encoders="canonical")).fit(linear_views())

    def test_wide_rows_too(self):
        rng = np.random.default_rng(0)
        hidden = rng.standard_normal((150, 5))
        views = {
            name: hidden @ rng.standard_normal((5, 900)) + rng.standard_normal((150, 900))
            for name in ("a", "b")
        }
        aligner = new(encoders="canonical", input_scaling="columns").fit(views)
        for name, z in CanonicalBottleneck(8).fit(views).embed(views).items():
            np.testing.assert_allclose(aligner.embed(views)[name], z, atol=1e-3)

    def test_nothing_shared(self):
        rng = np.random.default_rng(0)
        noise = {"a": rng.standard_normal((100, 4)), "b": rng.standard_normal((100, 5))}
        with pytest.warns(NothingSharedWarning, match="beta='auto'"):
            aligner = new(encoders="canonical").fit(noise)
        assert aligner.n_components_ == 2  # a single direction, and a constant

    def test_of_one_modality_only(self):
        with pytest.raises(ValueError, match="Pass encoders='canonical'"):
            new(encoders={"left": "canonical"}).fit(halves())

    @pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
    def test_a_modality_that_does_not_vary(self):
        with pytest.raises(ValueError, match="all rows are equal"):
            new(encoders="canonical").fit({**linear_views(60), "b": np.ones((60, 3))})

    def test_in_a_mapping_auto_is_the_network(self):
        mapped = new(encoders={"left": "auto", "right": "network"}).fit(halves())
        network = new(encoders="network").fit(halves())
        assert mapped.closed_form_ is None
        np.testing.assert_array_equal(mapped.transform(halves()), network.transform(halves()))


@pytest.mark.parametrize("encoders", ["auto", "canonical"])
class TestIsPartOfTheModel:
    @pytest.fixture
    def aligner(self, encoders, fitted):
        return fitted if encoders == "auto" else new(encoders="canonical").fit(halves())

    def test_file(self, aligner, tmp_path):
        aligner.save(tmp_path / "model.safetensors")
        loaded = IBAligner.load(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(loaded.transform(halves()), aligner.transform(halves()))
        pd.testing.assert_frame_equal(loaded.selection_, aligner.selection_)

    def test_encoder_of_one_modality(self, aligner):
        left = aligner.encoder("left").transform(halves()["left"])
        np.testing.assert_array_equal(left, aligner.embed(halves())["left"])
        alone = ModalityEncoder(new(max_epochs=1), "x")
        assert alone.fit(halves()["left"], halves()["right"]).transform(halves()["left"]).ndim == 2

    def test_onnx(self, aligner, tmp_path):
        files = export_encoders(aligner, tmp_path)
        for name, X in halves().items():
            z = OnnxEncoder(files[name]).transform(X)
            np.testing.assert_allclose(z, aligner.embed(halves())[name], atol=2e-5)


def test_file_where_the_whole_training_keeps_no_direction(tmp_path):
    """The bottleneck of the first half keeps one direction, that of the end keeps none."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 2))
    audio = (hidden @ rng.normal(size=(2, 5))).astype(np.float32)
    photo = np.random.default_rng(0).integers(0, 256, (60, 4, 4)).astype(np.uint8)
    pairs = {"audio": audio, "photo": photo}
    with pytest.warns(NothingSharedWarning):  # the photos are random
        aligner = IBAligner(n_components=3, max_epochs=1, random_state=34).fit(pairs)
    assert not aligner.trained_.bottleneck.weights
    assert aligner.closed_form_.projection.shape[1] == 2 + 3
    aligner.save(tmp_path / "model.safetensors")
    loaded = IBAligner.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.transform(pairs), aligner.transform(pairs))

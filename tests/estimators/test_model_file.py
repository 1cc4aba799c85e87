"""Saved aligners: all comes back, bit for bit; nothing in a file is run."""

import os
import pickle
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch import nn
from torch.optim import SGD, Adam

from mibsk import ClassPairs, IBAligner, __version__
from mibsk.encoders import MLP, Conv1d, Linear, ResNet, SparseMLP, ViT, register_encoder
from mibsk.encoders import _registry as registry
from mibsk.exceptions import TornFileError, VersionWarning
from mibsk.files import state_file as _state_file
from mibsk.files.state_file import read_state, write_state

from .common import CUT, assert_same_weights, without_times

NAMES = [f"audio{i}" for i in range(5)] + [f"image{i}" for i in range(4)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def there_and_back(aligner, path, **params):
    aligner.save(path)
    return IBAligner.load(path, **params)


def assert_same(got, expected, X, y=None):
    """Equal in all that a user can see, and in the state from which a later fit continues."""
    assert_same_weights(got, expected)
    embedded = expected.embed(X, y)
    for name, z in got.embed(X, y).items():
        np.testing.assert_array_equal(z, embedded[name])
    assert got.history_ == expected.history_
    assert list(got.net_.history) == list(expected.net_.history)
    assert type(got.net_.history) is type(expected.net_.history)
    for name in ("temperature_", "n_iter_", "modality_names_", "inputs_", "form_"):
        assert getattr(got, name) == getattr(expected, name)
    assert vars(got).keys() == vars(expected).keys()
    assert getattr(got, "n_features_in_", None) == getattr(expected, "n_features_in_", None)
    names = [getattr(aligner, "feature_names_in_", None) for aligner in (got, expected)]
    np.testing.assert_array_equal(*names)
    np.testing.assert_array_equal(got.get_feature_names_out(), expected.get_feature_names_out())
    assert repr(got.net_.optimizer_) == repr(expected.net_.optimizer_)
    assert not got.module_.training
    assert not torch.is_inference(next(got.module_.parameters()))


def digit_pairs():
    rng = np.random.default_rng(0)
    heard, seen = np.arange(30) % 3, np.arange(45) % 3
    return ClassPairs(
        {
            "audio": (rng.normal(size=(30, 4)), heard),
            "image": (rng.normal(size=(45, 5)), seen),
        },
        random_state=0,
    )


def forms(views):
    """Name, parameters, X, y of each form of data."""
    audio, image = views["audio"], views["image"]
    table = np.hstack([audio, image])
    frame = pd.DataFrame(table, columns=NAMES)
    notes = frame.assign(note=[f"number {i}" for i in range(48)])
    pictures = np.random.default_rng(0).integers(256, size=(48, 32, 32, 3), dtype=np.uint8)
    by_pattern = {name: make_column_selector(pattern=name) for name in CUT}
    return [
        ("mapping", {}, dict(views), None),
        ("odd names", {}, {"a.b": audio, "": image, "ü\n": image}, None),
        ("array", {"modalities": CUT}, table, None),
        ("frame", {"modalities": {n: [c for c in NAMES if n in c] for n in CUT}}, frame, None),
        ("names slice", {"modalities": {"a": slice("audio0", "audio4"), "b": [8]}}, frame, None),
        ("mask", {"modalities": {n: np.array([n in c for c in NAMES]) for n in CUT}}, frame, None),
        ("callables", {"modalities": by_pattern}, frame, None),
        ("text in a frame", {"modalities": {"t": ["note"], "n": NAMES}}, notes, None),
        ("two tables", {}, audio, image),
        ("class labels", {}, audio, np.array(["cat", "dog", "cow"] * 16)),
        ("truth", {}, audio, np.arange(48) % 2 == 0),
        ("text", {}, {"audio": audio, "text": [f"number {i}" for i in range(48)]}, None),
        ("columns with names", {}, {"audio": audio, "image": frame[NAMES[5:]]}, None),
        ("images", {}, {"audio": audio, "image": pictures}, None),
        ("sequences", {}, {"audio": np.tile(audio[:, :, None], (1, 1, 60)), "i": image}, None),
        ("class pairs", {}, digit_pairs(), None),
    ]


FORMS = [name for name, *_ in forms({"audio": np.zeros((48, 5)), "image": np.zeros((48, 4))})]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data(views, quick, path, form):
    params, X, y = next(rest for name, *rest in forms(views) if name == form)
    aligner = quick(max_epochs=1, **params).fit(X, y)
    loaded = there_and_back(aligner, path)
    assert_same(loaded, aligner, X, y)
    for one, other in zip(loaded.transform(X, y), aligner.transform(X, y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_sparse(views, quick, path):
    import scipy.sparse as sp

    X = {"audio": views["audio"], "image": sp.csr_array(views["image"])}
    aligner = quick(encoders={"image": SparseMLP((8, 4), dropout=0.1)}).fit(X)
    assert_same(there_and_back(aligner, path), aligner, X)


class TestGoesOn:
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"optimizer": "SGD"},
            {"optimizer": "Adagrad"},
            {"optimizer": Adam},
            {"temperature": 0.1},
            {"minimality": "variational", "encoders": MLP((8,), dropout=0.3)},
            {"early_stopping": True, "validation_fraction": 0.2},
            {"random_state": np.random.RandomState(7)},
        ],
        ids=lambda params: ", ".join(params),
    )
    @pytest.mark.parametrize("how", ["fit", "partial_fit"])
    def test_bit_for_bit(self, views, quick, path, params, how):
        aligner = quick(warm_start=True, **params).fit(views)
        loaded = there_and_back(aligner, path)
        for one in (aligner, loaded):
            getattr(one, how)(views)
        assert aligner.n_iter_ > 2
        assert_same_weights(loaded, aligner)
        assert without_times(loaded.history_) == without_times(aligner.history_)

    def test_from_a_model_that_was_loaded_and_saved(self, views, quick, path):
        aligner = quick(warm_start=True).fit(views)
        loaded = there_and_back(there_and_back(aligner, path), path)
        assert_same_weights(loaded.fit(views), aligner.fit(views))

    def test_pickled_after_loading(self, views, quick, path):
        aligner = quick(warm_start=True).fit(views)
        loaded = pickle.loads(pickle.dumps(there_and_back(aligner, path)))
        assert_same(loaded, aligner, views)
        assert_same_weights(loaded.fit(views), aligner.fit(views))


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("beta", np.float32(0.5)),
            ("n_components", np.int64(5)),
            ("fusion", "mean"),
            ("batch_size", -1),
            ("device", "cpu"),
            ("device", torch.device("cpu")),
            ("optimizer", SGD),
            ("encoders", "mlp"),
            ("encoders", {"image": "mlp"}),
            ("encoders", MLP([8], batch_norm=False)),
            ("encoders", {"audio": MLP(np.array([8, 4])), "image": MLP(())}),
        ],
    )
    def test_come_back(self, views, quick, path, name, value):
        aligner = quick(max_epochs=1, **{name: value}).fit(views)
        loaded = there_and_back(aligner, path)
        if isinstance(value, np.generic):
            aligner.set_params(**{name: value.item()})
        assert type(getattr(loaded, name)) is type(getattr(aligner, name))
        assert repr(loaded.get_params()) == repr(aligner.get_params())
        assert repr(clone(loaded)) == repr(clone(aligner))

    def test_compile_is_for_the_next_fit(self, views, quick, path):
        aligner = quick().fit(views).set_params(compile=True)
        loaded = there_and_back(aligner, path)
        assert loaded.compile is True
        assert loaded.net_.module_ is loaded.net_.module

    @pytest.mark.parametrize(
        "factory",
        [
            ResNet(8, width=4),
            ViT(8, dim=12, depth=1, heads=3),
            Conv1d(),
            MLP((8,), dropout=0.2),
            Linear(),
        ],
        ids=lambda factory: type(factory).__name__,
    )
    def test_factories(self, views, quick, path, factory):
        X = {"audio": views["audio"], "image": np.random.default_rng(0).random((48, 16, 16))}
        aligner = quick(max_epochs=1, encoders={"image": factory}).fit(X)
        loaded = there_and_back(aligner, path)
        assert_same(loaded, aligner, X)
        assert repr(loaded.encoders["image"]) == repr(factory)
        assert loaded.get_params()["encoders__image"] is loaded.encoders["image"]

    def test_state_of_a_generator(self, views, quick, path):
        generator = np.random.RandomState(3)
        aligner = quick(random_state=generator).fit(views)
        loaded = there_and_back(aligner, path)
        assert loaded.random_state is not generator
        np.testing.assert_array_equal(loaded.random_state.rand(700), generator.rand(700))

    def test_output_as_data_frames(self, views, quick, path):
        aligner = quick().set_output(transform="pandas").fit(views)
        pd.testing.assert_frame_equal(
            there_and_back(aligner, path).transform(views), aligner.transform(views)
        )

    def test_what_belongs_to_the_place_of_training_is_left_out(self, views, quick, path, tmp_path):
        aligner = quick(callbacks=[Callback()], checkpoint=str(tmp_path)).fit(views)
        loaded = there_and_back(aligner, path)
        assert loaded.callbacks is None
        assert loaded.checkpoint is None
        assert str(tmp_path).encode() not in path.read_bytes()

    def test_those_passed_take_the_place_of_the_saved(self, views, quick, path):
        aligner = quick().fit(views)
        loaded = there_and_back(aligner, path, beta=2.0, warm_start=True, temperature=0.3, lr=0.1)
        assert loaded.get_params() == {
            **aligner.get_params(), "beta": 2.0, "warm_start": True, "temperature": 0.3, "lr": 0.1
        }  # fmt: skip
        assert_same_weights(loaded, aligner)  # they are for the next fit
        aligner.set_params(beta=2.0, warm_start=True, temperature=0.3, lr=0.1)
        assert_same_weights(loaded.fit(views), aligner.fit(views))

    def test_another_optimizer_is_for_the_next_fit(self, views, quick, path):
        aligner = quick(warm_start=True).fit(views)
        loaded = there_and_back(aligner, path, optimizer="SGD")
        assert isinstance(loaded.net_.optimizer_, Adam)
        assert_same_weights(loaded.fit(views), aligner.set_params(optimizer="SGD").fit(views))

    def test_unknown_ones_are_refused(self, views, quick, path):
        quick().fit(views).save(path)
        with pytest.raises(ValueError, match=r"no parameter 'betta'\. Did you mean 'beta'\?"):
            IBAligner.load(path, betta=1)
        with pytest.raises(ValueError, match="'beta' parameter of IBAligner must be"):
            IBAligner.load(path, beta=-1)


class Linear(nn.Linear):
    """A module of the user's."""


def sgd(params, lr):
    return torch.optim.SGD(params, lr=lr, momentum=0.9)


class TestObjectsOfTheUsers:
    def test_a_module_must_be_passed(self, views, quick, path):
        module = Linear(4, 4)
        aligner = quick(encoders={"image": module, "audio": MLP((8,))}, warm_start=True).fit(views)
        aligner.save(path)
        with pytest.raises(ValueError, match=r"encoders\['image'\] \(.*Linear\)\. Pass them") as e:
            IBAligner.load(path)
        assert "IBAligner.load(path, encoders={'image': ...})" in str(e.value)
        fresh = Linear(4, 4)
        before = fresh.weight.clone()
        loaded = IBAligner.load(path, encoders={"image": fresh})
        assert_same(loaded, aligner, views)
        assert torch.equal(fresh.weight, before)
        assert loaded.encoders["image"] is fresh
        assert repr(loaded.encoders["audio"]) == "MLP(hidden=(8,))"
        assert_same_weights(loaded.fit(views), aligner.fit(views))

    def test_one_factory_for_all(self, views, quick, path):
        def factory(input_shape, n_outputs):
            return nn.Linear(*input_shape, n_outputs)

        aligner = quick(encoders=factory).fit(views)
        aligner.save(path)
        with pytest.raises(ValueError, match=r"<locals>\.factory\).*load\(path, encoders=\.\.\.\)"):
            IBAligner.load(path)
        loaded = IBAligner.load(path, encoders=factory)
        assert_same(loaded, aligner, views)

    def test_a_subclass_of_a_factory_is_one(self, views, quick, path):
        class Deeper(MLP):
            pass

        quick(encoders=Deeper((8,))).fit(views).save(path)
        with pytest.raises(ValueError, match=r"Deeper\)\. Pass them"):
            IBAligner.load(path)

    def test_an_optimizer(self, views, quick, path):
        aligner = quick(optimizer=sgd, warm_start=True).fit(views)
        aligner.save(path)
        with pytest.raises(ValueError, match=r"optimizer \(.*\.sgd\).*load\(path, optimizer=\.\."):
            IBAligner.load(path)
        loaded = IBAligner.load(path, optimizer=sgd)
        assert_same(loaded, aligner, views)
        assert_same_weights(loaded.fit(views), aligner.fit(views))

    def test_several_at_once(self, views, quick, path):
        aligner = quick(optimizer=sgd, encoders={"image": Linear(4, 4), "audio": Linear(5, 4)})
        aligner.fit(views).save(path)
        with pytest.raises(ValueError, match=r"\['image'\] .*\['audio'\] .*optimizer \("):
            IBAligner.load(path)
        with pytest.raises(ValueError, match="these objects") as caught:
            IBAligner.load(path, encoders={"image": Linear(4, 4)})
        assert "audio" in str(caught.value)
        assert "image" not in str(caught.value)

    @pytest.mark.parametrize(
        "module", [Linear(4, 5), nn.Sequential(nn.Linear(4, 4)), nn.Identity()]
    )
    def test_of_another_architecture(self, views, quick, path, module):
        aligner = quick(encoders={"image": Linear(4, 4)}).fit(views)
        aligner.save(path)
        with pytest.raises(
            ValueError, match="do not match the encoders: those passed as encoders="
        ):
            IBAligner.load(path, encoders={"image": module})

    def test_an_optimizer_with_other_parameter_groups(self, views, quick, path):
        quick(optimizer=sgd).fit(views).save(path)

        def one_group_less(params, lr):
            return torch.optim.SGD([p for group in params for p in group["params"]], lr=lr)

        with pytest.raises(ValueError, match="does not match the optimizer"):
            IBAligner.load(path, optimizer=one_group_less)

    def test_an_optimizer_of_another_kind_starts_without_state(self, views, quick, path):
        aligner = quick(optimizer=sgd, warm_start=True).fit(views)
        aligner.save(path)
        loaded = IBAligner.load(path, optimizer="Adam")
        assert "betas" in loaded.net_.optimizer_.param_groups[0]
        assert_same_weights(loaded.fit(views), aligner.set_params(optimizer="Adam").fit(views))

    def test_a_registered_name(self, views, quick, path, monkeypatch):
        monkeypatch.setattr(registry, "factories", dict(registry.factories))
        register_encoder("tiny", MLP((3,)))
        aligner = quick(encoders={"image": "tiny"}).fit(views)
        assert_same(there_and_back(aligner, path), aligner, views)
        monkeypatch.undo()
        with pytest.raises(ValueError, match="'tiny', which is not registered: register it"):
            IBAligner.load(path)
        loaded = IBAligner.load(path, encoders={"image": MLP((3,))})
        assert_same(loaded, aligner, views)

    def test_what_a_callback_recorded(self, views, quick, path):
        class Record(Callback):
            def on_epoch_end(self, net, **kwargs):
                net.history.record("thing", object())

        aligner = quick(callbacks=[Record()]).fit(views)
        with pytest.raises(TypeError, match=r"\['history'\]\[0\]\['thing'\] is a object"):
            aligner.save(path)


class TestFiles:
    def test_unfitted(self, quick, path):
        with pytest.raises(NotFittedError):
            quick().save(path)
        assert not path.exists()

    def test_the_generators_are_left_alone(self, views, quick, path):
        aligner = quick().fit(views)
        state, numpy_state = torch.get_rng_state(), pickle.dumps(np.random.mtrand._rand)
        there_and_back(aligner, path)
        assert torch.equal(torch.get_rng_state(), state)
        assert pickle.dumps(np.random.mtrand._rand) == numpy_state

    def test_torn(self, views, quick, path):
        quick().fit(views).save(path)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(TornFileError, match=r"model\.safetensors is incomplete"):
            IBAligner.load(path)

    def test_missing(self, path):
        with pytest.raises(FileNotFoundError):
            IBAligner.load(path)

    def test_of_another_version(self, views, quick, path, monkeypatch):
        aligner = quick().fit(views)
        monkeypatch.setattr(_state_file, "__version__", "0.0.1")
        aligner.save(path)
        monkeypatch.undo()
        with pytest.warns(VersionWarning, match=f"by mibsk 0.0.1, this is {__version__}"):
            loaded = IBAligner.load(path)
        assert_same(loaded, aligner, views)

    def test_a_parameter_that_this_version_has_not(self, views, quick, path):
        edit(quick().fit(views), path, lambda state: state["params"].update(zeta={"value": 1}))
        with pytest.raises(ValueError, match="saved with the parameter 'zeta', which IBAligner"):
            IBAligner.load(path)

    def test_a_parameter_that_a_version_before_had_not(self, views, quick, path):
        edit(quick().fit(views), path, lambda state: state["params"].pop("precision"))
        assert IBAligner.load(path).precision == "auto"

    def test_a_device_that_is_not_here(self, views, quick, path, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        aligner = quick(warm_start=True).fit(views)
        aligner.set_params(device="cuda").save(path)
        with pytest.warns(UserWarning, match="fitted with device='cuda', not available here"):
            loaded = IBAligner.load(path)
        assert loaded.device == "auto"
        loaded.set_params(device="cpu")
        assert_same_weights(loaded.fit(views), aligner.set_params(device="cpu").fit(views))
        assert IBAligner.load(path, device="cpu").device == "cpu"
        with pytest.raises(ValueError, match="torch sees no GPU"):
            IBAligner.load(path, device="cuda")

    def test_a_checkpoint_is_a_model(self, views, quick, tmp_path):
        aligner = quick(checkpoint=tmp_path).fit(views)
        newest = max(tmp_path.rglob("*.safetensors"))
        loaded = IBAligner.load(newest)
        assert_same(loaded, aligner, views)

    def test_a_subclass(self, views, quick, path):
        class Mine(IBAligner):
            pass

        quick().fit(views).save(path)
        assert type(Mine.load(path)) is Mine


def edit(aligner, path, change):
    """Save a model, and change the file as someone could who knows the format."""
    aligner.save(path)
    state = read_state(path)
    change(state)
    write_state(path, state)


@contextmanager
def nothing_runs():
    """Fail if code is compiled, executed, unpickled or a program started."""
    global _watching
    if not _hooked:
        sys.addaudithook(_watch)
        _hooked.append(True)
    _seen.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert _seen == []


_watching, _hooked, _seen = False, [], []
_CODE = {"exec", "compile", "os.system", "os.exec", "subprocess.Popen", "pickle.find_class"}


def _watch(event, args):
    if _watching and event in _CODE:
        _seen.append((event, args))


def test_the_watch_sees_code_that_runs():
    with pytest.raises(AssertionError), nothing_runs():
        pickle.loads(pickle.dumps(Path("x")))
    with pytest.raises(AssertionError), nothing_runs():
        exec("1 + 1")


class TestMalice:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("encoders", {"factory": {"name": "os.system", "params": {"command": "true"}}}),
            ("encoders", {"factory": {"name": "EncoderFactory", "params": {}}}),
            ("encoders", {"factory": {"name": "MLP", "params": {"command": "true"}}}),
            ("encoders", {"factory": {"name": ["MLP"], "params": {}}}),
            ("encoders", {"object": "os.system"}),
            ("encoders", {"value": "os.system"}),
            ("encoders", {"mapping": {"image": {"value": "__import__('os').system('true')"}}}),
            ("encoders", {"call": "os.system"}),
            ("encoders", {}),
            ("encoders", ["value"]),
            ("optimizer", {"optimizer": "os"}),
            ("optimizer", {"optimizer": "lr_scheduler"}),
            ("optimizer", {"optimizer": "Optimizer.__init__"}),
            ("optimizer", {"value": "lr_scheduler"}),
            ("optimizer", {"value": "__builtins__"}),
            ("device", {"device": "os.system('true')"}),
            ("device", {"value": "os.system('true')"}),
            ("random_state", {"random_state": {"bit_generator": "os.system"}}),
            ("modalities", {"value": "os.system"}),
            ("beta", {"value": "os.system('true')"}),
        ],
    )
    def test_nothing_named_in_the_parameters_is_run(self, views, quick, path, name, value):
        edit(quick().fit(views), path, lambda state: state["params"].update({name: value}))
        with nothing_runs(), pytest.raises(ValueError, match=r"."):
            IBAligner.load(path)

    def test_other_members_of_torch_optim_are_not_optimizers(self, views, quick, path, monkeypatch):
        monkeypatch.setattr(torch.optim, "system", os.system, raising=False)
        forged = {"optimizer": {"optimizer": "system"}}
        edit(quick().fit(views), path, lambda state: state["params"].update(forged))
        with nothing_runs(), pytest.raises(ValueError, match="'system' is not an optimizer"):
            IBAligner.load(path)

    def test_a_file_names_neither_callbacks_nor_a_folder_to_write_to(self, views, quick, path):
        forged = {"callbacks": {"value": ["print_log"]}, "checkpoint": {"value": "/"}}
        edit(quick().fit(views), path, lambda state: state["params"].update(forged))
        loaded = IBAligner.load(path)
        assert (loaded.callbacks, loaded.checkpoint) == (None, None)

    @pytest.mark.parametrize(
        "change",
        [
            lambda state: state.update(model="os.system"),
            lambda state: state.clear(),
            lambda state: state["form"].update(kind="os.system"),
            lambda state: state.update(form={"kind": "mapping", "names": ["a", "b"]}),
            lambda state: state.update(inputs=[1, 2]),
            lambda state: state["inputs"][0].update(kind="text"),
            lambda state: state["inputs"][0].update(shape=[3]),
            lambda state: state.update(training=None),
            lambda state: state["training"].update(module={"x": "os.system"}),
            lambda state: state["training"].update(module=["os.system"]),
            lambda state: state["training"]["module"].popitem(),
            lambda state: state["training"]["optimizer"].pop("state"),
            lambda state: state["training"].update(optimizer={"param_groups": [], "state": {}}),
            lambda state: state["training"].update(history="os.system"),
        ],
        ids=range(14),
    )
    def test_a_forged_file_is_refused(self, views, quick, path, change):
        edit(quick().fit(views), path, change)
        with nothing_runs(), pytest.raises(ValueError, match=r"model\.safetensors"):
            IBAligner.load(path)

    def test_a_list_is_not_a_model(self, path):
        write_state(path, [1, 2])
        with pytest.raises(ValueError, match="does not hold an IBAligner"):
            IBAligner.load(path)

    def test_reading_a_valid_file_runs_no_code(self, views, quick, path):
        quick(encoders={"image": MLP((8,))}).fit(views).save(path)
        IBAligner.load(path)  # what is imported late has been
        with nothing_runs():
            IBAligner.load(path)

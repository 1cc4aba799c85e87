"""Training in several threads: the results of one, and nothing of the process is changed."""

import os
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import cross_val_score
from skorch.callbacks import Callback

from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV, fit_together
from mibsk.onnx import export_encoder
from mibsk.training import seeded
from mibsk.training._process_setting import ProcessSetting

from .common import Items

CPU = torch.device("cpu")


def generator_states():
    """Return the states of all global generators, as values that can be compared."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    return (
        torch.get_rng_state().tolist(),
        [state.tolist() for state in torch.cuda.get_rng_state_all()],
        [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy_state],
        random.getstate(),
    )


@pytest.fixture(scope="module")
def doors(views, quick, tmp_path_factory):
    """Functions that call what draws random numbers, and return embeddings or scores."""
    folder = tmp_path_factory.mktemp("models")
    path = folder / "aligner.safetensors"
    fitted = quick().fit(views)
    fitted.save(path)
    canonical = CanonicalBottleneck(2).fit(views)
    noisy = {"minimality": "variational", "beta": 0.01, "encoders": "auto"}

    def embedded(aligner):
        return np.concatenate(list(aligner.embed(views).values()), axis=1)

    def continued(aligner):
        return embedded(aligner.partial_fit(views))

    def loaded(name):
        return (folder / name).read_bytes()

    return {
        "fit": lambda: embedded(quick(**noisy).fit(views)),
        "other seed": lambda: embedded(quick(**noisy, random_state=1).fit(views)),
        "bottleneck": lambda: embedded(quick(bottleneck="canonical").fit(views)),
        "early stopping": lambda: embedded(quick(early_stopping=True).fit(views)),
        "Dataset": lambda: embedded(quick().fit(Items(views))),
        "partial_fit": lambda: continued(quick().partial_fit(views)),
        "load": lambda: embedded(IBAligner.load(path)),
        "partial_fit after load": lambda: continued(IBAligner.load(path)),
        "cross-validation": lambda: cross_val_score(quick(), views, cv=2),
        "IBAlignerCV": lambda: embedded(IBAlignerCV(quick(), betas=(0.0, 1.0), cv=2).fit(views)),
        "fit_together": lambda: embedded(fit_together([quick(**noisy)], views)[0]),
        "CanonicalBottleneck": lambda: embedded(CanonicalBottleneck(2).fit(views)),
        "permutation test": lambda: (
            canonical.permutation_test(views, n_permutations=20, random_state=0).p_values
        ),
        "export": lambda: loaded(export_encoder(fitted, "audio", folder / "a.onnx").name),
        "export of a linear map": lambda: loaded(
            export_encoder(canonical, "audio", folder / "c.onnx").name
        ),
    }


def test_no_door_changes_a_generator(doors):
    for name, call in doors.items():
        before = generator_states()
        call()
        assert generator_states() == before, name


def test_threads_give_the_results_of_one(doors):
    calls = {name: call for name, call in doors.items() if "export" not in name}
    alone = {name: call() for name, call in calls.items()}
    before = generator_states()
    with ThreadPoolExecutor(4) as pool:
        found = [(name, pool.submit(call)) for name, call in 2 * list(calls.items())]
    for name, future in found:
        np.testing.assert_array_equal(future.result(), alone[name], err_msg=name)
    assert generator_states() == before


@pytest.mark.parametrize("fit", ["cross_val_score", "IBAlignerCV", "fit_together"])
def test_threads_of_joblib(views, quick, fit):
    def result(n_jobs):
        if fit == "cross_val_score":
            return cross_val_score(quick(), views, cv=4, n_jobs=n_jobs)
        if fit == "IBAlignerCV":
            search = IBAlignerCV(quick(), betas=(0.0, 1.0), cv=2, n_jobs=n_jobs)
            return search.fit(views).scores_
        several = [quick(random_state=seed) for seed in range(4)]
        return [each.fit_transform(views) for each in fit_together(several, views, n_jobs=n_jobs)]

    alone = result(1)
    with joblib.parallel_config(backend="threading"):
        np.testing.assert_array_equal(result(4), alone)


def test_fit_together_in_threads_keeps_filters_of_warnings(views, quick):
    before = list(warnings.filters)
    several = [quick(random_state=seed) for seed in range(4)]
    with joblib.parallel_config(backend="threading"):
        fit_together(several, views, n_jobs=4)
    assert warnings.filters == before


class FitsAnother(Callback):
    """Train another aligner after each epoch."""

    def __init__(self, aligner, views):
        self.aligner, self.views = aligner, views

    def on_epoch_end(self, net, **kwargs):
        self.aligner.fit(self.views)


def test_fit_inside_fit(views, quick):
    noisy = {"minimality": "variational", "beta": 0.01}
    alone = quick(**noisy).fit_transform(views)
    inner = quick(**noisy, random_state=1)
    outer = quick(**noisy, callbacks=[FitsAnother(inner, views)])
    np.testing.assert_array_equal(outer.fit_transform(views), alone)
    np.testing.assert_array_equal(
        inner.transform(views), quick(**noisy, random_state=1).fit_transform(views)
    )


class Stops(Callback):
    """Raise an error in the first epoch."""

    def __init__(self, error):
        self.error = error

    def on_epoch_end(self, net, **kwargs):
        raise self.error


def test_an_error_lets_the_next_thread_train(views, quick):
    before = generator_states()
    with pytest.raises(OSError, match="no disk"):
        quick(callbacks=[Stops(OSError("no disk"))]).fit(views)
    assert generator_states() == before
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(quick().fit_transform, views)
        np.testing.assert_array_equal(other.result(timeout=60), quick().fit_transform(views))


def test_generator_is_restored_after_an_error():
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), seeded(3, CPU):
        torch.rand(4) + torch.rand(5)
    assert torch.equal(torch.get_rng_state(), state)


def test_same_seed_same_numbers():
    drawn = []
    for _ in range(2):
        with seeded(3, CPU):
            drawn.append(torch.rand(4))
    assert torch.equal(*drawn)


def test_cudnn_is_deterministic_and_kept():
    cudnn = torch.backends.cudnn
    before = cudnn.enabled, cudnn.deterministic, cudnn.benchmark
    with seeded(3, CPU):
        assert (cudnn.enabled, cudnn.deterministic, cudnn.benchmark) == (before[0], True, False)
    assert (cudnn.enabled, cudnn.deterministic, cudnn.benchmark) == before


def test_setting_of_the_process_is_restored_by_the_last_thread():
    held = {"value": "theirs"}
    setting = ProcessSetting(lambda: held["value"], lambda new: held.update(value=new), "ours")
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with setting:
            entered.set()
            leave.wait()

    other = threading.Thread(target=stay)
    with setting:
        other.start()
        entered.wait()
    assert held["value"] == "ours"
    leave.set()
    other.join()
    assert held["value"] == "theirs"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork with threads
def test_a_child_process_does_not_wait_for_a_thread_of_its_parent():
    entered, leave = threading.Event(), threading.Event()

    def train():
        with seeded(0, CPU):
            entered.set()
            leave.wait()

    thread = threading.Thread(target=train)
    thread.start()
    entered.wait()
    child = os.fork()
    if not child:
        waits = threading.Thread(target=lambda: seeded(0, CPU).__enter__(), daemon=True)
        waits.start()
        waits.join(timeout=20)
        os._exit(int(waits.is_alive()))
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

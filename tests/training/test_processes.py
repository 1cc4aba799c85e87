"""Several processes train the model of one process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
PROGRAM = str(HERE / "joint_fits.py")
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
NAMES = [
    "batch norm",
    "no batch norm",
    "sequences",
    "early stopping",
    "budget",
    "holes",
    "siglip",
    "takes inputs",
    "chunks",
    "whole batch, SGD",
    "checkpoint",
    "resumed",
]


def run(folder, *launcher):
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, *launcher, PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return run(tmp_path_factory.mktemp("one") / "out")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return run(tmp_path_factory.mktemp("two") / "out", *TORCHRUN)


def load(folder, name, rank=0):
    with np.load(folder / f"{name}-{rank}.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_the_model_of_one(name, one, two):
    expected, found = load(one[0], name), load(two[0], name)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", [*NAMES, "noise", "auto"])
def test_all_processes_end_with_the_same_model(name, two):
    first, second = (load(two[0], name, rank) for rank in range(2))
    for key, value in first.items():
        np.testing.assert_array_equal(second[key], value, err_msg=key)


def test_gradients_are_those_of_one_process(one, two):
    expected, found = load(one[0], "gradients"), load(two[0], "gradients")
    assert len(expected) > 5
    for key, value in expected.items():
        scale = np.abs(value).max()
        assert scale > 0
        np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-6 * max(scale, 1))


def test_the_first_process_alone_prints_and_writes(one, two):
    assert two[1].count("epoch 3/4") == one[1].count("epoch 3/4") == 1
    names = [sorted(path.name for path in folder.rglob("epoch-*")) for folder, _ in (one, two)]
    assert names[0] == names[1] == ["epoch-00003.safetensors", "epoch-00004.safetensors"]


def test_what_several_processes_cannot_train_is_said_in_each(two):
    for rank in range(2):
        said = load(two[0], "errors", rank)
        assert "process 1 would train another one than process 0" in str(said["seed"])
        assert "pass the same data, parameters and an integer random_state" in str(said["data"])
        assert "a batch of 2 rows is too small for 2 processes" in str(said["small"])
        assert "an IterableDataset cannot be divided among processes" in str(said["stream"])
        assert "rows that lack a modality and batch normalisation" in str(said["holes"])

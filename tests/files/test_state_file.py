"""State files: what they hold comes back bit for bit, and a damaged one is recognised."""

import errno
import math
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file

from mibsk import __version__
from mibsk.exceptions import TornFileError, VersionWarning
from mibsk.files import state_file as _state_file
from mibsk.files.state_file import can_hold, read_state, write_state

DTYPES = [
    "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64",
    "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool",
]  # fmt: skip
SMALL = {"weight": torch.arange(6.0).reshape(2, 3), "n": 3, "name": "epoch", "lr": [0.1, math.inf]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def there_and_back(path, state):
    write_state(path, state)
    return read_state(path)


def assert_same(got, expected):
    """Types, order of keys and bits."""
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        assert list(map(type, got)) == list(map(type, expected))
        for key in expected:
            assert_same(got[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, float):
        assert struct.pack(">d", got) == struct.pack(">d", expected)
    elif isinstance(expected, torch.Tensor):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        if expected.numel():
            flat = (x.contiguous().reshape(-1).view(torch.uint8) for x in (got, expected))
            assert torch.equal(*flat)
    elif isinstance(expected, np.ndarray):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        assert got.tobytes() == expected.tobytes()
    else:
        assert got == expected


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
numbers = arrays(
    st.sampled_from(["f8", "f4", "f2", "c8", "i8", "u4", "u1", "?"]),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
leaves = plain | numbers | numbers.map(torch.from_numpy)
keys = st.text(max_size=4) | st.integers() | st.sampled_from(["$tensor", "$", "__metadata__", "."])
nests = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=10,
)


class TestRoundTrip:
    @settings(max_examples=150, deadline=None)
    @given(state=nests)
    def test_any_nest(self, tmp_path_factory, state):
        path = tmp_path_factory.getbasetemp() / "any.safetensors"
        assert_same(there_and_back(path, state), state)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_tensors_of_each_type(self, path, dtype):
        bits = torch.randint(2, (24,)) if dtype == "bool" else torch.randint(256, (24,))
        whole = bits.to(torch.uint8).view(getattr(torch, dtype))
        state = [whole, whole[0], whole[:0]]
        assert_same(there_and_back(path, state), state)

    @pytest.mark.parametrize(
        "tensor",
        [
            torch.arange(6).reshape(2, 3).T,
            torch.arange(6)[::2],
            torch.ones(1).expand(4),
            torch.arange(4.0).to(torch.complex64).conj(),
            torch.nn.Parameter(torch.arange(3.0)),
            torch.empty(2, 0, 3),
            torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last),
        ],
        ids=["transposed", "strided", "expanded", "conj", "parameter", "empty", "channels last"],
    )
    def test_tensors_however_they_lie_in_memory(self, path, tensor):
        assert_same(there_and_back(path, {"t": tensor}), {"t": tensor.detach().resolve_conj()})

    def test_tied_and_overlapping_tensors(self, path):
        weight = torch.arange(6.0)
        state = {"encoder": weight, "decoder": weight, "head": weight[:3], "tail": weight[2:]}
        assert_same(there_and_back(path, state), state)

    @pytest.mark.parametrize(
        "array",
        [
            np.arange(5, dtype=">i4"),
            np.arange(6.0).reshape(2, 3)[:, ::-1],
            np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            np.array(3.0),
        ],
        ids=["big-endian", "reversed", "fortran", "0-d"],
    )
    def test_arrays_however_they_lie_in_memory(self, path, array):
        array.flags.writeable = False
        expected = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
        assert_same(there_and_back(path, array), expected)

    def test_numpy_scalars_become_plain(self, path):
        state = {"lr": np.float32(0.1), np.int64(3): np.bool_(True), "s": np.str_("a")}
        assert_same(there_and_back(path, state), {"lr": float(np.float32(0.1)), 3: True, "s": "a"})

    def test_floats_keep_every_bit(self, path):
        nan_with_payload = struct.unpack(">d", bytes.fromhex("fff8000000000abc"))[0]
        state = [nan_with_payload, -0.0, math.inf, -math.inf, 5e-324, 0.1]
        assert_same(there_and_back(path, state), state)

    def test_keys_keep_type_and_order(self, path):
        state = {2: "two", "2": "text", 1.5: 0, None: 1, "$tensor": 2}
        assert_same(there_and_back(path, {"a": state, "b": {"x": {}, "": []}}), {
            "a": state, "b": {"x": {}, "": []}
        })  # fmt: skip

    def test_names_that_meet(self, path):
        tensors = iter(torch.arange(6.0))
        state = {
            "a": {"b": next(tensors), 1: next(tensors), "1": next(tensors)},
            "a.b": next(tensors),
            "__metadata__": next(tensors),
            "\ud800": next(tensors),  # half a character, which UTF-8 cannot hold
        }
        assert_same(there_and_back(path, state), state)

    @pytest.mark.parametrize("name", ["Adam", "SGD", "LBFGS", "Adafactor"])
    def test_optimizers(self, path, name):
        module = torch.nn.Linear(3, 2)
        optimizer = getattr(torch.optim, name)(module.parameters(), lr=0.1)

        def loss():
            optimizer.zero_grad()
            value = module(torch.ones(4, 3)).square().sum()
            value.backward()
            return value

        optimizer.step(loss)
        assert_same(there_and_back(path, optimizer.state_dict()), optimizer.state_dict())

    def test_other_readers_of_safetensors_see_the_tensors(self, path):
        write_state(path, {"module": {"encoder.weight": torch.ones(2)}, "n": 1})
        assert_same(load_file(path), {"module.encoder.weight": torch.ones(2)})

    def test_tensors_can_be_written_to(self, path):
        state = there_and_back(path, {"t": torch.zeros(3), "a": np.zeros(3)})
        state["t"][0], state["a"][0] = 1, 1

    def test_the_state_is_left_as_it_was(self, path):
        weight = torch.arange(6.0).reshape(2, 3).T.requires_grad_()
        write_state(path, {"w": weight})
        assert weight.requires_grad
        assert weight.stride() == (1, 3)


class Foo:
    pass


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"encoders": {"image": Foo()}}, r"state\['encoders'\]\['image'\] is a Foo, which cannot"),
        ([1, (2, {3: {4}})], r"state\[1\]\[1\]\[3\] is a set, which cannot be stored"),
        (b"bytes", "state is a bytes"),
        ({"z": 1j}, r"state\['z'\] is a complex"),
        ({(1, 2): 3}, r"state has the key \(1, 2\): expected a string or a number"),
        ({"k": {Foo: 3}}, r"state\['k'\] has the key .*Foo"),
        ({"f": len}, r"state\['f'\] is a builtin_function_or_method"),
        ([torch.ones(2, dtype=torch.complex128)], r"state\[0\] is a tensor of torch.complex128"),
        ([torch.eye(2).to_sparse()], "a tensor of torch.float32 on cpu in layout torch.sparse_coo"),
        ([torch.ones(2, device="meta")], "a tensor of torch.float32 on meta"),
        ([np.array(["a"])], "an array of <U1"),
        ([np.array([None])], "an array of object"),
        ([np.zeros(2, [("a", "f4")])], "an array of"),
        ([np.datetime64("2020-01-01")], r"state\[0\] is a date"),
        ([np.longdouble(1)], r"state\[0\] is a longdouble"),
    ],
)  # fmt: skip
def test_what_no_file_can_hold_is_named(path, state, message):
    with pytest.raises(TypeError, match=message):
        write_state(path, state)
    assert not path.exists()
    assert not can_hold(state)


def test_can_hold():
    assert can_hold(SMALL)


class TestDamage:
    def test_cut_anywhere(self, path):
        write_state(path, SMALL)
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(TornFileError, match=r"state\.safetensors is incomplete or damaged"):
                read_state(path)

    @pytest.mark.parametrize("flip", [0x01, 0x20, 0x2A, 0xFF])
    def test_a_byte_changed_anywhere(self, path, flip):
        """0x2A turns the spaces that fill the header into line ends, still valid JSON."""
        write_state(path, SMALL)
        whole = path.read_bytes()
        for i in range(len(whole)):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ flip]) + whole[i + 1 :])
            with pytest.raises(TornFileError, match="incomplete or damaged"):
                read_state(path)

    @pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff" * 100, b"text" * 50])
    def test_something_else_altogether(self, path, content):
        path.write_bytes(content)
        with pytest.raises(TornFileError, match="cannot be read as a safetensors file"):
            read_state(path)

    def test_a_pickle(self, path):
        path.write_bytes(pickle.dumps(SMALL))
        with pytest.raises(TornFileError, match=r"a pickle is loaded with pickle\.load or joblib"):
            read_state(path)

    def test_more_at_the_end(self, path):
        write_state(path, SMALL)
        path.write_bytes(path.read_bytes() + b"more")
        with pytest.raises(TornFileError):
            read_state(path)

    @pytest.mark.parametrize(
        "content", [{"$tensor": "gone"}, {"$new": 1}, {"$dict": [[[], 1]]}, {"$float": "xyz"}]
    )
    def test_nonsense_with_the_right_digest(self, path, monkeypatch, content):
        monkeypatch.setattr(_state_file, "pack", lambda state: (content, {}))
        write_state(path, None)
        with pytest.raises(TornFileError, match="not as mibsk writes it"):
            read_state(path)

    def test_missing(self, path):
        with pytest.raises(FileNotFoundError):
            read_state(path)

    @pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
    def test_of_another_program(self, path, metadata):
        save_file({"weight": torch.ones(2)}, path, metadata)
        with pytest.raises(ValueError, match="but not one that mibsk wrote") as caught:
            read_state(path)
        assert not isinstance(caught.value, TornFileError)


class TestVersions:
    def test_another_version_warns(self, path, monkeypatch):
        monkeypatch.setattr(_state_file, "__version__", "0.0.9")
        write_state(path, SMALL)
        monkeypatch.undo()
        with pytest.warns(
            VersionWarning, match=rf"written by mibsk 0\.0\.9, this is {__version__}"
        ):
            assert_same(read_state(path), SMALL)

    def test_a_newer_format_is_refused(self, path, monkeypatch):
        monkeypatch.setattr(_state_file, "__version__", "9.0")
        monkeypatch.setattr(_state_file, "FORMAT", 2)
        write_state(path, SMALL)
        monkeypatch.undo()
        with pytest.raises(ValueError, match=r"written by mibsk 9\.0, which is newer .* upgrade"):
            read_state(path)


class TestWriting:
    def test_makes_the_folder(self, tmp_path):
        path = tmp_path / "new" / "folder" / "s.safetensors"
        assert_same(there_and_back(path, SMALL), SMALL)
        assert os.listdir(path.parent) == [path.name]

    def test_takes_a_bare_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert_same(there_and_back("bare", SMALL), SMALL)

    def test_others_may_read_it(self, path):
        write_state(path, SMALL)
        mask = os.umask(0)
        os.umask(mask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask

    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_a_failure_leaves_the_earlier_file(self, path, monkeypatch, step, error):
        def fail(*args):
            raise error

        write_state(path, SMALL)
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(type(error)):
            write_state(path, {"other": torch.zeros(1000)})
        monkeypatch.undo()
        assert os.listdir(path.parent) == [path.name]
        assert_same(read_state(path), SMALL)

    def test_a_kill_leaves_the_earlier_file(self, path):
        write_state(path, SMALL)
        script = (
            "import os, signal, sys, torch\n"
            "from mibsk.files.state_file import write_state\n"
            "os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
            "write_state(sys.argv[1], {'other': torch.zeros(1000)})\n"
        )
        done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert_same(read_state(path), SMALL)
        assert len(os.listdir(path.parent)) == 2  # what was written aside was not removed

    @pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
    def test_folders_that_cannot_be_synced(self, path, monkeypatch, code):
        """Some file systems cannot; an error of the disk is one all the same."""
        synced = os.fsync
        is_first = iter([True, False])

        def sync(descriptor):
            if next(is_first):
                return synced(descriptor)
            raise OSError(code, "no")

        monkeypatch.setattr(os, "fsync", sync)
        if code == errno.EIO:
            with pytest.raises(OSError, match="no"):
                write_state(path, SMALL)
        else:
            write_state(path, SMALL)
        assert_same(read_state(path), SMALL)

    def test_writers_at_the_same_time(self, path):
        states = [{"weight": torch.full((20_000,), float(i))} for i in range(4)]

        def write(state):
            for _ in range(10):
                write_state(path, state)

        write(states[0])
        writers = [threading.Thread(target=write, args=[state]) for state in states]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            assert len(read_state(path)["weight"].unique()) == 1
        for writer in writers:
            writer.join()
        assert os.listdir(path.parent) == [path.name]

    def test_a_header_that_no_reader_would_take(self, path, monkeypatch):
        monkeypatch.setattr(_state_file, "_MAX_HEADER", 1000)
        with pytest.raises(ValueError, match="store long lists of numbers as arrays"):
            write_state(path, list(range(1000)))
        write_state(path, np.arange(1000))

"""The installed package is importable from any folder, and serves without torch."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mibsk
from mibsk import IBAligner
from mibsk._checks.packages import TRAINING, not_installed
from mibsk.datasets import load_digits_halves

REPOSITORY = Path(__file__).parents[1]
MAX_MEGABYTES = 600


def test_a_folder_of_the_same_name_does_not_shadow_the_package(tmp_path):
    """The parent folder of a clone has such a folder: the clone, which has no __init__.py."""
    (tmp_path / "mibsk" / "mibsk").mkdir(parents=True)
    command = [sys.executable, "-c", "import mibsk; print(mibsk.__version__)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (mibsk.__version__, "")


def test_a_missing_package_is_named_with_the_command():
    one, two = not_installed("for this", "a"), not_installed("for that", "a", "b")
    assert str(one) == "a is needed for this: pip install a."
    assert str(two) == "a and b are needed for that: pip install a b."


def test_no_message_names_an_extra_of_a_package_that_is_on_no_index():
    sources = Path(mibsk.__file__).parent.rglob("*.py")
    assert [file.name for file in sources if re.search(r"install '?mibsk", file.read_text())] == []


NEED_TORCH = (
    "from mibsk import IBAligner",
    "from mibsk import Modalities",
    "import mibsk.datasets",
    "import mibsk.encoders",
    "import mibsk.losses",
    "import mibsk.training",
    "from mibsk.data import ClassPairs",
    "from mibsk.onnx import export_encoders",
    "from mibsk.tracking import load_model",
)


def test_without_torch_the_error_is_one_sentence_with_the_command():
    check = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {TRAINING}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
for statement in {NEED_TORCH}:
    try:
        exec(statement)
    except ImportError as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    message = (
        "NotInstalledError torch, skorch and safetensors are needed to train and to load models: "
        "pip install torch skorch safetensors."
    )
    assert done.stdout.splitlines() == [message] * len(NEED_TORCH)


EMBED = """
import sys
import numpy as np
from mibsk import OnnxEncoder
rows, expected = np.load("rows.npy"), np.load("expected.npy")
np.testing.assert_allclose(OnnxEncoder("left.onnx").transform(rows), expected, atol=1e-4)
print(sorted({"torch", "skorch"} & set(sys.modules)))
"""


@pytest.mark.slow
def test_an_environment_that_serves_has_no_torch_and_is_small(tmp_path):
    pytest.importorskip("onnxscript")
    from mibsk.onnx import export_encoder

    halves = load_digits_halves().data
    aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    export_encoder(aligner, "left", tmp_path / "left.onnx")
    np.save(tmp_path / "rows.npy", halves["left"])
    np.save(tmp_path / "expected.npy", aligner.embed(halves)["left"])

    source = tmp_path / "source"  # a build leaves files
    shutil.copytree(REPOSITORY / "mibsk", source / "mibsk")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", f"{source}[onnx]"]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if "No matching distribution found" in installed.stderr:
        pytest.skip(f"no wheels, and no package index: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr

    (packages,) = (tmp_path / "venv" / "lib").glob("*/site-packages")
    names = {folder.name for folder in packages.iterdir()}
    assert {"mibsk", "onnxruntime", "sklearn"} <= names
    assert {"torch", "skorch", "onnx", "mlflow"} & names == set()
    size = sum(file.stat().st_size for file in packages.rglob("*") if file.is_file())
    assert size < MAX_MEGABYTES * 1e6
    done = subprocess.run(
        [python, "-c", EMBED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")

"""The installed package is importable from any folder."""

import subprocess
import sys

import mibsk


def test_a_folder_of_the_same_name_does_not_shadow_the_package(tmp_path):
    """The parent folder of a clone has such a folder: the clone, which has no __init__.py."""
    (tmp_path / "mibsk" / "mibsk").mkdir(parents=True)
    command = [sys.executable, "-c", "import mibsk; print(mibsk.__version__)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (mibsk.__version__, "")

"""Each stage lists the packages and scripts that it imports, so that a change of them reruns it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("mlflow")

REPOSITORY = Path(__file__).parents[2]
STAGES = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
# Of the other stages: `register` runs always.
CHECKED = [name for name, stage in STAGES.items() if not stage.get("always_changed")]
# Imported by all stages, and not the reason for any result.
COMMON = ("mibsk/__init__.py", "mibsk/exceptions.py", "mibsk/tracking", "pipelines/__init__.py")
# Imported, but not called: `prepare` makes the data, of which the others read the files, and an
# estimator computes a metric in `score` only.
NOT_CALLED = {
    "prepare": [],
    "train": ["mibsk/datasets", "mibsk/metrics"],
    "evaluate": ["mibsk/datasets"],
    "export": ["mibsk/datasets", "mibsk/metrics"],
    "index": ["mibsk/datasets"],
    "report": [],
}
IMPORT = """
import importlib, json, sys
from pathlib import Path
found = {}
for name in sys.argv[2:]:
    importlib.import_module(f"pipelines.{name}")
    ours = ("mibsk", "pipelines")
    own = {key: m for key, m in sys.modules.items() if key.partition(".")[0] in ours}
    files = {Path(m.__file__).relative_to(sys.argv[1]) for m in own.values() if m.__file__}
    found[name] = sorted(map(str, files))
    for key in own:
        del sys.modules[key]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Files of the project that the script of each stage imports."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(REPOSITORY), *CHECKED],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def is_in(file: str, places) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in places)


@pytest.mark.parametrize("name", CHECKED)
def test_a_stage_lists_what_it_imports(imported, name):
    assert f"pipelines/{name}.py" in imported[name]
    listed = [*STAGES[name].get("do", STAGES[name])["deps"], *COMMON, *NOT_CALLED[name]]
    assert [file for file in imported[name] if not is_in(file, listed)] == []

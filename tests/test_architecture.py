"""The shape of the project: imports point one way, files stay short, the light paths stay light."""

import ast
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import mibsk
from mibsk import IBAligner
from mibsk.losses import infonce

PACKAGE = Path(mibsk.__file__).parent
REPOSITORY = Path(__file__).parents[1]
MAX_LINES = 450

# A part may import from itself and from the lines above.
LAYERS = (
    "exceptions",
    "files",
    "_checks",
    "schedules",
    "metrics",
    "canonical",
    "data",
    "encoders",
    "captioning",
    "datasets",
    "inspection",
    "reporting",
    "losses",
    "training",
    "estimators",
    "tracking",
    "onnx",
    "bundle",
    "embedding",
    "index",
    "page",
    "serving",
    "site",
    "triton",
    "commands",
    "cli",
    "__main__",
)
ALLOWED = {part: set(LAYERS[:level]) for level, part in enumerate(LAYERS)}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py*") if path.suffix in (".py", ".pyi"))


def part_of(path: Path) -> str:
    """Name the sub-package or module of the first level that holds a file."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def homes() -> dict[str, str]:
    """Map the public names of the package to the part they come from."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.name] = node.module or alias.name
    return found


def imported_parts(source: str, package: tuple[str, ...]) -> set[str]:
    """Return the parts of mibsk that a source of `package` imports, anywhere in it.

    "mibsk" stands for the package as a whole.
    """
    modules = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            if module == "mibsk":
                names = [alias.name for alias in node.names if alias.name != "__version__"]
                modules += [f"mibsk.{homes().get(name, name)}" for name in names]
            else:
                modules.append(module)
    split = [module.split(".") for module in modules]
    return {names[1] if len(names) > 1 else "mibsk" for names in split if names[0] == "mibsk"}


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import mibsk", {"mibsk"}),
        ("import numpy, mibsk.data._rows as rows", {"data"}),
        ("from mibsk.metrics import cka", {"metrics"}),
        ("from mibsk import OnnxEncoder, losses", {"onnx", "losses"}),
        ("from .. import ClassPairs, __version__", {"data"}),
        ("from ..encoders._mlp import MLP", {"encoders"}),
        ("from ._pairwise import pairwise_mean", {"losses"}),
        ("from . import _pairwise", {"losses"}),
        ("def f():\n    from ..estimators import IBAligner", {"estimators"}),
        ("import mibsklearn\nfrom os import path", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source, parts):
    assert imported_parts(source, ("mibsk", "losses")) == parts


def test_every_part_has_its_place():
    parts = {part_of(path) for path in SOURCES} - {"__init__"}
    assert {"data", "encoders", "losses", "metrics", "estimators"} <= parts
    assert parts <= ALLOWED.keys()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    part = part_of(path)
    allowed = set(ALLOWED) if part == "__init__" else ALLOWED[part] | {part}
    package = ("mibsk", *path.relative_to(PACKAGE).parts[:-1])
    wrong = imported_parts(path.read_text(), package) - allowed
    assert not wrong, f"{part} may import {sorted(allowed)}, not {sorted(wrong)}"


def private_imports(source: str, package: tuple[str, ...]) -> set[str]:
    """Return the private modules of other parts of mibsk that a source imports from."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package[: len(package) - node.level + 1] if node.level else ()
        names = (*base, *(node.module or "").split("."))
        within = names[0] == "mibsk" and names[1:2] != package[1:2]
        if within and any(name.startswith("_") for name in names[2:]):
            found.add(".".join(names))
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from ..data._forms import is_table", {"mibsk.data._forms"}),
        (
            "from mibsk.metrics.neighbours._similarities import Scores",
            {"mibsk.metrics.neighbours._similarities"},
        ),
        ("def f():\n    from ..metrics.probes._mlp import MLP", {"mibsk.metrics.probes._mlp"}),
        ("from ._infonce import infonce\nfrom .._checks.rows import as_rows", set()),
        ("from ..data import is_table\nfrom numpy._core import x", set()),
    ],
)
def test_private_imports_are_found(source, found):
    assert private_imports(source, ("mibsk", "losses")) == found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_modules_stay_within_their_package(path):
    package = ("mibsk", *path.relative_to(PACKAGE).parts[:-1])
    assert private_imports(path.read_text(), package) == set()


def test_programs_import_what_packages_export():
    folders = (REPOSITORY / name for name in ("pipelines", "benchmarks"))
    programs = [path for folder in folders for path in folder.rglob("*.py")]
    assert programs
    found = {path.name: private_imports(path.read_text(), ()) for path in programs}
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_training_has_no_scikit_learn():
    sources = [path for path in SOURCES if part_of(path) == "training"]
    assert sources
    assert not [path.name for path in sources if re.search(r"\bsklearn\b", path.read_text())]


@pytest.mark.parametrize(
    ("params", "limit"), [({"encoders": "network", "bottleneck": None}, 80), ({}, 90)]
)
def test_a_fit_changes_files_rarely(params, limit):
    """Up to its first loss, calls of a fit enter another file fewer than 80 times.

    By default pairs are held out as well, for the weight of the closed form: fewer than 90 times.
    """
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(64, 5)).astype(np.float32)
    X = {name: hidden @ rng.normal(size=(5, 5)).astype(np.float32) for name in "ab"}
    aligner = IBAligner(max_epochs=1, random_state=0, **params).fit(X)  # imports are done
    files = []

    def record(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            files.append(frame.f_code.co_filename)
            if frame.f_code is infonce.__code__:
                sys.setprofile(None)

    sys.setprofile(record)
    try:
        aligner.fit(X)
    finally:
        sys.setprofile(None)
    assert files[-1] == infonce.__code__.co_filename
    changes = sum(a != b for a, b in pairwise(files))
    assert changes < limit


def test_files_stay_short():
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in SOURCES
    }
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


LIGHT_IMPORTS = (
    "import mibsk",
    "import mibsk.exceptions",
    "import mibsk.schedules",
    "import mibsk.metrics",
    "import mibsk.inspection",
    "import mibsk.reporting",
    "from mibsk import OnnxEncoder",
    "from mibsk.index import open_index",
    "import mibsk.cli",
)


def test_light_imports_bring_neither_torch_nor_matplotlib_and_print_nothing():
    """Each imports the package anew; packages of others stay loaded, for time."""
    check = f"""
import sys
for statement in {LIGHT_IMPORTS}:
    exec(statement)
    heavy = {{"torch", "matplotlib"}} & set(sys.modules)
    assert not heavy, (statement, heavy)
    for name in [name for name in sys.modules if name.partition(".")[0] == "mibsk"]:
        del sys.modules[name]
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", check], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_aligner_is_imported_without_what_it_rarely_needs():
    """Clusterings and linear models of scikit-learn take as long as half of the package."""
    check = """
import sys
from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV
rare = {"sklearn.cluster", "sklearn.compose", "sklearn.linear_model", "mibsk.metrics.catalogue"}
rare |= {"mlflow", "matplotlib", "onnx", "onnxruntime", "torch._dynamo"}
assert not rare & set(sys.modules), rare & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", check], check=True)


MACHINE_PATH = re.compile(rb"(?<![\w.~})-])/(?:work|root)/[\w.-]+")


def test_machine_paths_are_recognised():
    path = b"/".join([b"", b"work", b"scratch"])
    assert MACHINE_PATH.search(b'open("' + path + b'")')
    assert MACHINE_PATH.search(b"file://" + path)
    assert not MACHINE_PATH.search(b"https://example.org" + path)
    assert not MACHINE_PATH.search(b".." + path)


def test_no_file_names_a_place_on_one_machine():
    """Of the files that git tracks or would, none holds such a path."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout.decode()
    files = [REPOSITORY / name for name in listed.split("\0") if name]
    assert Path(__file__) in files
    found = {
        str(path.relative_to(REPOSITORY)): match.group().decode()
        for path in files
        if path.is_file() and (match := MACHINE_PATH.search(path.read_bytes()))
    }
    assert found == {}

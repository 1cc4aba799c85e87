"""The notebook runs, tells on fresh outputs the story that it tells, and is stored clean."""

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

QUICKSTART = Path(__file__).parents[1] / "notebooks" / "quickstart.ipynb"
ALONE, BOTTLENECK = "contrastive alone", "bottleneck, β = 10"
CLOSED_FORM = "with the closed form"

# /home/..., C:\...; not the slash of a URL, of a closing tag or of a relative path
ABSOLUTE_PATH = re.compile(r"(?<![\w<:/.])/[A-Za-z]\w*/|\b[A-Z]:\\")


@pytest.fixture
def notebook() -> NotebookNode:
    return nbformat.read(QUICKSTART, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def texts(notebook: NotebookNode) -> list[str]:
    """Return all that can be read: sources and outputs, but not the bytes of figures."""
    found = [cell.source for cell in notebook.cells]
    for output in outputs(notebook):
        found.append(output.get("text", ""))
        data = output.get("data", {})
        found += [value for kind, value in data.items() if not kind.startswith("image/")]
    return found


def is_clean(output: NotebookNode) -> bool:
    return output.output_type != "error" and output.get("name") != "stderr"


def test_stored_notebook_is_valid_and_small(notebook):
    nbformat.validate(notebook)
    assert QUICKSTART.stat().st_size < 460_000


def test_stored_notebook_was_run_once_from_top_to_bottom(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(is_clean(output) for output in outputs(notebook))
    figures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(figures) == 5


def test_stored_notebook_names_no_machine_and_no_time(notebook):
    assert [text for text in texts(notebook) if ABSOLUTE_PATH.search(text)] == []
    assert all("execution" not in cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize(
    ("text", "is_path"),
    [
        ("PosixPath('/home/user/x')", True),
        ("at /tmp/x.onnx", True),
        (r"C:\Users", True),
        ("https://arxiv.org/abs/2506.04870", False),
        ("<td>1</td><br/>", False),
        ("notebooks/a/b", False),
    ],
)
def test_what_counts_as_an_absolute_path(text, is_path):
    assert bool(ABSOLUTE_PATH.search(text)) is is_path


@pytest.mark.slow  # trains three models
def test_notebook_tells_its_story_again(notebook, shared_data, tmp_path, monkeypatch):
    settings, folder = tmp_path / "ipython", tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("MIBSK_DATA", str(shared_data))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait would slow down others' tests
    monkeypatch.setenv("IPYTHONDIR", str(settings))  # no start-up files of the user
    tables = "{'results': results.to_dict(), 'transferred': transferred.to_dict()}"
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({tables}))"))
    NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()

    assert all(is_clean(output) for output in outputs(notebook))
    assert [text for text in texts(notebook) if ABSOLUTE_PATH.search(text)] == []
    assert list(folder.iterdir()) == []  # it leaves nothing behind
    assert "as in torch" in texts(notebook)[-2]

    found = json.loads(outputs(notebook)[-1].text)
    results = pd.DataFrame(found["results"])
    gained = results[BOTTLENECK] - results[ALONE]
    assert gained["speaker leakage (rescaling probe)"] < -0.1
    assert gained["speaker accuracy (plain, chance 0.167)"] < -0.3
    assert gained["modality gap"] < -0.05
    assert gained["CKA"] > 0.03
    shared = [name for name in results.index if name.startswith(("digit kept", "recall@1"))]
    assert len(shared) == 4
    assert gained[shared].abs().max() < 0.02
    closed = results[CLOSED_FORM]
    assert closed["speaker leakage (rescaling probe)"] < 0.02
    assert closed["speaker leakage (MLP probe)"] < results[ALONE]["speaker leakage (MLP probe)"] / 2
    assert (closed - results[ALONE])[shared].min() > -0.03
    assert pd.DataFrame(found["transferred"]).min(axis=None) > 0.95

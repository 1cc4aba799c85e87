"""Description of an exported captioner: its files, settings, and parity."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from .._checks.parameters import check_scalar
from ..captioning import check_search
from ..files.digest import sha256_of

FORMAT = "mibsk-captioner/1"
FILE = "captioner.json"
PARTS = {
    "picture": "picture.onnx",
    "caption": "caption.onnx",
    "look": "look.onnx",
    "write": "write.onnx",
    "tokenizer": "tokenizer.json",
}
"""File of each part, as `export_captioner` names it."""


@dataclass(frozen=True)
class CaptionerDescription:
    """What the files of an exported captioner are, stored as JSON beside them.

    Parameters
    ----------
    files : dict of str to dict of str to str
        Name and SHA-256 of the file of each part: the encoders "picture" and "caption"; "look", of
        features to what text sees of the queries; "write", of tokens to the scores of the next
        ones; "tokenizer", word pieces.
    max_length : int
        Largest number of tokens of a caption, begin and end included.
    n_queries : int
        Number of queries, which are the first that text sees.
    n_beams : int
        Number of texts that beam search keeps at a time.
    length_penalty : float
        Exponent of the length in the score of a text.
    version : str
        Version of the package that exported the files.
    parity : dict of str to float
        Largest difference from torch of each ONNX file, at export.
    """

    files: dict[str, dict[str, str]]
    max_length: int
    n_queries: int
    n_beams: int
    length_penalty: float
    version: str
    parity: dict[str, float]

    def path(self, folder: Path, part: str) -> Path:
        """Return the file of a part in a folder.

        Raises
        ------
        ValueError
            If the file is missing, or not the one that was written.
        """
        path = folder / self.files[part]["file"]
        if not path.is_file() or sha256_of(path) != self.files[part]["sha256"]:
            what = "differs from" if path.exists() else "is missing of"
            raise ValueError(
                f"{path} {what} what {FILE} lists: the captioner is damaged, was copied in part, "
                "or is replaced at this moment. Copy or export it again."
            )
        return path

    def to_json(self) -> str:
        """Return the text of the file."""
        values = {"format": FORMAT, **asdict(self)}
        return json.dumps(values, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Any) -> Self:
        """Return the description that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text is not one, or of a newer version.
        """
        try:
            values = json.loads(text)
            if (found := values.pop("format")) != FORMAT:
                raise ValueError(f"format {found!r}, expected {FORMAT!r}")
            description = cls(**values)
            for part in PARTS:
                name = description.files[part]["file"]
                if Path(name).name != name:
                    raise ValueError(f"{name!r} is not the name of a file beside it")
            check_scalar("n_queries", description.n_queries, low=1, integer=True)
            check_search(
                n_beams=description.n_beams,
                length_penalty=description.length_penalty,
                max_length=description.max_length,
            )
            return description
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} does not describe a captioner that this version of mibsk can read "
                f"({type(error).__name__}: {error}): export it with mibsk.onnx.export_captioner."
            ) from error

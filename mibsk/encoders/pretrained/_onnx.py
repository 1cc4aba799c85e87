"""Towers in ONNX files, run by onnxruntime."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..._checks.packages import not_installed
from ._files import PICTURES, SENTENCES, digest_of_files
from ._folder import OutputKind, sentence_pooling
from ._pictures import PictureSettings, PixelValues
from ._stages import Pool, has_token, pooled_states
from ._tokenizer import read_tokenizer

_POOLED = ("sentence_embedding", "text_embeds", "image_embeds", "pooler_output")
"""Outputs with one vector for each row, in the order in which they are chosen."""


class OnnxFile:
    """A tower in an ONNX file.

    Parameters
    ----------
    path : Path
        The file. Beside it are its tokenizer or the settings of its pictures.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent

    @cached_property
    def digest(self) -> str:
        """Digest of all files that the features depend on, except for the tokenizer."""
        beside = [self.folder / name for name in (*PICTURES, *SENTENCES)]
        return digest_of_files([*sorted(self.folder.glob(f"{self.path.name}*")), *beside])

    @property
    def reads_bytes(self) -> bool:
        """Whether pictures are normalised here, by the settings beside the file."""
        return any((self.folder / name).is_file() for name in PICTURES)

    def tokenizer(self, max_length: int | None) -> str:
        """Return the tokenizer beside the file as JSON, "" if the graph reads no token ids."""
        if "input_ids" not in {each.name for each in open_session(self.path).get_inputs()}:
            return ""
        return read_tokenizer(self.folder, max_length, None)

    def tower(self, input_shape: tuple[int, ...], output: OutputKind) -> nn.Sequential:
        """Return a module that runs the file.

        Raises
        ------
        ValueError
            If it has no such output, or other inputs than rows of this shape.
        """
        session = open_session(self.path)
        names = [each.name for each in session.get_inputs()]
        outputs = {each.name: len(each.shape or ()) for each in session.get_outputs()}
        of_text = "input_ids" in names
        if output == "projected":
            raise ValueError("output='projected' is for folders of CLIP: choose 'pooled'.")
        if not of_text and len(names) != 1:
            raise ValueError(
                f"{self.path} has the inputs {names}: expected input_ids and attention_mask of a "
                "tower for text, or one input of pictures."
            )
        if of_text and len(input_shape) != 1:
            raise ValueError(f"{self.path} reads text, got rows of shape {input_shape}.")
        chosen = _choose(outputs, output)
        pool, normalize = None, False
        if output == "pooled" and outputs[chosen] == 3:
            pool, normalize = sentence_pooling(self.folder) if of_text else ("mean", False)
        modules: list[nn.Module] = []
        if not of_text and self.reads_bytes:
            modules = [PixelValues(PictureSettings.read(self.folder), input_shape)]
        tower = OnnxTower(str(self.path), self.digest, chosen, pool, normalize=normalize)
        return nn.Sequential(*modules, tower)


class OnnxTower(nn.Module):
    """A graph that onnxruntime runs on the CPU.

    Parameters
    ----------
    path : str
        The ONNX file.
    digest : str
        Digest of its files, which is compared when they are opened again.
    output : str
        Name of the output.
    pool : str or None
        How states (n, tokens, d) of the output become one vector; None leaves the output as it is.
    normalize : bool
        Scale the vectors to unit norm.
    """

    def __init__(
        self, path: str, digest: str, output: str, pool: Pool | None, *, normalize: bool
    ) -> None:
        super().__init__()
        self.path, self.digest, self.output = path, digest, output
        self.pool, self.normalize = pool, normalize
        self._session: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """Map token ids (n, length) or the input of the graph to features."""
        session = self._open()
        names = [each.name for each in session.get_inputs()]
        present = None
        if "input_ids" in names:
            ids = x.long().cpu()
            present = ids >= 0
            present[:, 0] = True
            longest = int(present.sum(1).max())
            feed = _text_inputs(names, ids[:, :longest], present[:, :longest])
        else:
            feed = {names[0]: np.ascontiguousarray(x.float().cpu().numpy())}
        found = torch.from_numpy(np.asarray(session.run([self.output], feed)[0])).float()
        if present is not None and found.ndim == 3:
            found = found * present[:, : found.shape[1], None]
            found = nn.functional.pad(found, (0, 0, 0, x.shape[1] - found.shape[1]))
        if self.pool is not None:
            found = pooled_states(found, has_token(found), self.pool)
        if self.normalize:
            found = nn.functional.normalize(found)
        return found.to(x.device)

    def _open(self) -> Any:
        if self._session is None:
            path = Path(self.path)
            if path.is_file() and OnnxFile(path).digest != self.digest:
                raise ValueError(
                    f"{path} has changed since the tower was made of it: restore the file."
                )
            self._session = open_session(path)
        return self._session

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_session": None}


def open_session(path: Path) -> Any:
    """Return a session of onnxruntime.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not a valid graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise not_installed("to run an ONNX file", "onnxruntime") from error
    if not path.is_file():
        raise FileNotFoundError(f"no ONNX file at {path}.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, which derive from Exception alone
        raise ValueError(f"{path} is not a valid ONNX file: {error}") from error


def _choose(outputs: dict[str, int], output: OutputKind) -> str:
    """Return the name of the output with these features; `outputs` has the number of axes."""
    of_rows = [name for name, n_axes in outputs.items() if n_axes == 2]
    of_tokens = [name for name, n_axes in outputs.items() if n_axes == 3]
    if output == "tokens":
        if not of_tokens:
            raise ValueError(
                f"no output of {list(outputs)} has features of tokens, (n, tokens, d)."
            )
        return of_tokens[0]
    named = [name for name in _POOLED if name in of_rows]
    # the pooler of a sentence encoder is often not trained: the mean of its tokens is better
    if named and not (named[0] == "pooler_output" and of_tokens):
        return named[0]
    found = [*of_tokens, *of_rows]
    if not found:
        raise ValueError(
            f"no output of {list(outputs)} has features of rows, (n, d) or (n, tokens, d)."
        )
    return found[0]


def _text_inputs(names: list[str], ids: Tensor, present: Tensor) -> dict[str, NDArray[np.int64]]:
    feed = {"input_ids": ids.clamp_min(0).numpy(), "attention_mask": present.long().numpy()}
    feed["token_type_ids"] = np.zeros_like(feed["input_ids"])
    return {name: feed[name] for name in names}

"""Encoders that begin with a pretrained tower from local files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from ... import __version__
from ..._checks.pixels import check_modes
from ..._checks.rows import as_rows
from ..._checks.text import is_text
from ...data import digest, token_ids, tokenizer_length
from ...files.array_file import read_or_write
from .._attention_pool import TokenPool
from .._frozen import FrozenFactory
from ._files import local_path
from ._folder import Folder, OutputKind
from ._onnx import OnnxFile
from ._trunk import PretrainedTrunk

PRETRAINED = "pretrained:"
_ROWS_AT_A_TIME = 512  # whose features are in memory beside those that are kept


class Pretrained(FrozenFactory):
    r"""Pretrained tower from a local folder or an ONNX file, below a linear head that is trained.

    A folder has the files of transformers or sentence-transformers: ``config.json``, weights as
    safetensors, and ``preprocessor_config.json`` or ``tokenizer.json``. Towers for pictures are
    ViT, DeiT, DINOv2, and those of CLIP and SigLIP; towers for text are BERT, RoBERTa, XLM-RoBERTa,
    DistilBERT (MiniLM and other sentence encoders among them), and those of CLIP and SigLIP.
    Nothing is downloaded, and no code from the folder is run.

    Pictures are rows of uint8, (n, H, W), (n, H, W, 3) or (n, 3, H, W), which are resized, cropped
    and normalised as the folder says. Texts are strings, which become tokens.

    In ``encoders=`` of an aligner, ``"pretrained:PATH"`` is short for ``Pretrained("PATH")``.

    Parameters
    ----------
    path : str or path
        A folder, or a file whose name ends in ``.onnx``, beside which are the
        ``preprocessor_config.json`` or ``tokenizer.json``.
    output : {"pooled", "projected", "tokens"}, default="pooled"
        What the features of a row are. "pooled" is one vector: the class token of ViT and DINOv2,
        the pooled output of CLIP and SigLIP, and of sentence encoders the mean of the tokens, or
        what their ``1_Pooling/config.json`` says. "projected" is that of CLIP in its shared space.
        "tokens" are the last states of all patches or tokens, (tokens, d), a class token included;
        those after the end of a text are 0. A trained attention pools them before the head.
    unfrozen_from : int or str, default=None
        First layer that is trained, counted from 0, or its name, such as "encoder.layer.10". The
        layers below it stay fixed and are run once. None trains no layer. An ONNX file is never
        trained.
    max_length : int, default=None
        Number of tokens of a text; the rest of a longer one is left out. By default, what the
        folder says.
    cache : str or path, default=None
        Folder in which features are kept, see :class:`Frozen`.

    Notes
    -----
    The file of a saved aligner has the path and a digest of the files of the tower, and not its
    fixed weights. Loading it reads them again, and raises an error if they are others. A pickle has
    the weights.

    See Also
    --------
    Frozen : The same for a module of torch.

    Examples
    --------
    >>> from mibsk.encoders import Pretrained
    >>> Pretrained("models/dinov2-small", output="tokens").features(pictures)  # doctest: +SKIP
    >>> IBAligner(encoders={"image": "pretrained:models/dinov2-small"})  # doctest: +SKIP
    >>> Pretrained("openai/clip-vit-base-patch32").tokenizer
    Traceback (most recent call last):
        ...
    FileNotFoundError: no folder or ONNX file at openai/clip-vit-base-patch32. mibsk downloads no
    models: if it is the name of a model, download it once with `hf download ...
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "path": [str, PathLike],
        "output": [StrOptions({"pooled", "projected", "tokens"})],
        "unfrozen_from": [Interval(Integral, 0, None, closed="left"), str, None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "cache": [str, PathLike, None],
    }

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        output: OutputKind = "pooled",
        unfrozen_from: int | str | None = None,
        max_length: int | None = None,
        cache: str | PathLike[str] | None = None,
    ) -> None:
        self.path = path
        self.output = output
        self.unfrozen_from = unfrozen_from
        self.max_length = max_length
        self.cache = cache

    @property
    def scales_input(self) -> bool:
        """False: the tower normalises its rows itself."""
        return False

    @property
    def tokenizer(self) -> str:
        """The tokenizer as JSON, with the length of a row of tokens; "" of a tower for pictures.

        Raises
        ------
        FileNotFoundError, ValueError
            If the tower cannot be read.
        """
        self._validate_params()
        return self._files().tokenizer(self.max_length)

    @property
    def digest(self) -> str:
        """Digest of the files that determine the features of the tower.

        Raises
        ------
        FileNotFoundError, ValueError
            If the tower cannot be read.
        """
        return self._files().digest

    def features(
        self,
        rows: Any,
        *,
        device: str | torch.device | None = None,
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """Return the features of rows, computed in batches, or read from the folder `cache`.

        Parameters
        ----------
        rows : array-like of uint8 (n, H, W), (n, H, W, 3) or (n, 3, H, W), or of str (n,)
            Pictures or texts. A list may have pictures of different sizes. Of images of Pillow,
            pass those of mode "RGB" or "L": the array of a palette image (mode "P") has the
            numbers of colours, which would be read as grey levels.
        device : str or torch.device, default=None
            Where the tower runs; a GPU if there is one.
        progress : bool, default=False
            Show a bar.

        Returns
        -------
        ndarray of float32 (n, n_features), or (n, tokens, n_features) with ``output="tokens"``
            Those of the tower as it is in its files, whatever `unfrozen_from`.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the tower cannot be read, or does not read such rows.
        """
        self._validate_params()
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if isinstance(rows, list | tuple) and len({np.shape(row) for row in rows}) > 1:
            check_modes("rows", rows)
            return self._of_each_shape(rows, device, progress)
        files = self._files()
        prepared = self._prepared(rows, files)
        trunk, _, _ = self._split(files, prepared.shape[1:], whole=True)
        trunk.to(device)

        def run(start: int, stop: int) -> NDArray[np.float32]:
            batch = torch.from_numpy(np.array(prepared[start:stop])).to(device)
            with torch.inference_mode():
                found: NDArray[np.float32] = trunk(batch).float().cpu().numpy()
            return found

        def chunks() -> Iterator[NDArray[np.float32]]:
            with _bar(len(prepared)) if progress else nullcontext() as bar:
                for start in range(0, len(prepared), _ROWS_AT_A_TIME):
                    part = run(start, start + _ROWS_AT_A_TIME)
                    if bar is not None:
                        bar.update(len(part))
                    yield part

        if not len(prepared):  # run on a row of zeros, for the shape of the features
            prepared = np.zeros((1, *prepared.shape[1:]), prepared.dtype)
            return run(0, 1)[:0]
        if self.cache is None:
            return np.concatenate([*chunks()])
        shape = (len(prepared), *run(0, 1).shape[1:])
        tower = [files.digest, self.output, torch.device(device).type, _ROWS_AT_A_TIME]
        key = digest(
            {"rows": prepared, "tower": tower, "versions": [torch.__version__, __version__]}
        )
        return read_or_write(Path(self.cache) / f"{key}.features", shape, chunks)

    def trunk(self, input_shape: tuple[int, ...]) -> PretrainedTrunk:
        r"""Return the part of the tower that stays fixed, for rows of `input_shape`, on the CPU.

        Raises
        ------
        FileNotFoundError, ValueError, TypeError
            If the tower cannot be read, a parameter is invalid, or the tower does not read such
            rows.
        """
        self._validate_params()
        return self._split(self._files(), input_shape)[0]

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        trunk, above, n_features = self._split(self._files(), input_shape)
        layers: list[nn.Module] = [trunk, *above]
        if self.output == "tokens":
            layers.append(TokenPool(n_features))
        return layers, n_features

    def _split(
        self, files: Folder | OnnxFile, input_shape: tuple[int, ...], *, whole: bool = False
    ) -> tuple[PretrainedTrunk, list[nn.Module], int]:
        """Return what is fixed, the trained modules above it, and the number of features.

        With `whole`, all is fixed.
        """
        of_pixels = len(input_shape) > 1 and files.reads_bytes
        if isinstance(files, OnnxFile):
            if self.unfrozen_from is not None and not whole:
                raise ValueError(
                    f"unfrozen_from={self.unfrozen_from!r}, but {files.path} is an ONNX file, "
                    "which is not trained: pass a folder of transformers, or no unfrozen_from."
                )
            parts: list[nn.Module] = [files.tower(input_shape, self.output)]
            n_fixed = 1
        else:
            embedding, layers, output = files.stages(input_shape, self.output)
            parts, n_fixed = [embedding, layers, output], 3
            if self.unfrozen_from is not None and not whole:
                first = _layer_number(self.unfrozen_from, len(layers.layers))
                parts, n_fixed = [embedding, *layers.split(first), output], 2
        trunk = PretrainedTrunk(
            nn.Sequential(*parts[:n_fixed]), files.digest, str(self.path), of_pixels=of_pixels
        )
        above = parts[n_fixed:]
        rows = torch.zeros(2, *input_shape, dtype=torch.uint8 if of_pixels else torch.float32)
        try:
            with torch.no_grad():
                features = nn.Sequential(trunk, *above).eval()(rows)
        except (IndexError, RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(
                f"the tower in {self.path} cannot read rows of shape {input_shape}: {reason}"
            ) from error
        return trunk, above, features.shape[-1]

    def _files(self) -> Folder | OnnxFile:
        path = local_path(self.path)
        return Folder(path) if path.is_dir() else OnnxFile(path)

    def _prepared(self, rows: Any, files: Folder | OnnxFile) -> NDArray[Any]:
        """Return texts as token ids, and pictures as they are."""
        X = as_rows("rows", rows)
        if is_text(X):
            tokenizer = files.tokenizer(self.max_length)
            if not tokenizer:
                raise TypeError(
                    f"the tower in {self.path} reads pictures, got strings. Open files first, e.g. "
                    "[np.asarray(PIL.Image.open(file).convert('RGB')) for file in files]."
                )
            return token_ids(X.tolist(), tokenizer)
        if X.ndim == 2 and len(X) and (tokenizer := files.tokenizer(self.max_length)):
            length = tokenizer_length(tokenizer)
            if X.shape[1] > length:
                raise ValueError(
                    f"rows of {X.shape[1]} tokens, but the tower in {self.path} reads at most "
                    f"{length}."
                )
        if X.dtype == np.uint8 and X.ndim == 3 and X.shape[-1] == 3:
            raise ValueError(
                f"rows of shape {X.shape}, which is that of a single picture in colour: pass "
                "X[np.newaxis], or grey pictures that are wider."
            )
        dense: NDArray[Any] = X if X.dtype == np.uint8 else X.astype(np.float32)
        return dense

    def _of_each_shape(self, rows: Any, device: Any, progress: bool) -> NDArray[np.float32]:
        """Return the features of pictures of different sizes, in their order."""
        numbers: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(rows):
            numbers.setdefault(np.shape(row), []).append(number)
        found: list[Any] = [None] * len(rows)
        for of_shape in numbers.values():
            pictures = np.stack([rows[number] for number in of_shape])
            features = self.features(pictures, device=device, progress=progress)
            for number, row in zip(of_shape, features, strict=True):
                found[number] = row
        return np.stack(found)


def _layer_number(layer: int | str, n_layers: int) -> int:
    """Return the number of a layer, which may be given by its name.

    Raises
    ------
    ValueError
        If there is none.
    """
    number = layer
    if isinstance(layer, str):
        match = re.fullmatch(r"(?:\w+\.)*layers?\.(\d+)", layer)
        number = int(match[1]) if match else -1
    if not 0 <= int(number) < n_layers:
        raise ValueError(
            f"unfrozen_from={layer!r}: expected a number from 0 to {n_layers - 1}, or a name such "
            f"as 'encoder.layer.{n_layers - 1}', since the tower has {n_layers} layers."
        )
    return int(number)


def _bar(n_rows: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=n_rows, desc="features", unit="rows")

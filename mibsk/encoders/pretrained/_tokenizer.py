"""Tokenizers of pretrained towers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..._checks.packages import import_tokenizers


def read_tokenizer(
    folder: Path, max_length: int | None, n_positions: int | None, *, pads: bool = False
) -> str:
    """Return the tokenizer of a folder as JSON, with the length at which it truncates.

    Parameters
    ----------
    folder : Path
        Folder of a model of transformers, or of an ONNX file.
    max_length : int or None
        Number of tokens of a row; None takes what the folder says, at most `n_positions`.
    n_positions : int or None
        Number of places that the tower has, if known.
    pads : bool, default=False
        Whether shorter texts are filled with a token of padding.

    Raises
    ------
    FileNotFoundError
        If the folder has no tokenizer.
    ValueError
        If `max_length` is more than the tower has places.
    """
    tokenizer, padding = _read(folder)
    if max_length is None:
        max_length = min(filter(None, [_stated_length(folder), n_positions]), default=512)
    elif n_positions is not None and max_length > n_positions:
        raise ValueError(
            f"max_length={max_length}, but the tower in {folder} reads at most {n_positions} "
            "tokens."
        )
    if pads and n_positions is not None:
        max_length = n_positions  # the state of the last place is read
    tokenizer.enable_truncation(max_length)
    tokenizer.no_padding()
    if pads:
        tokenizer.enable_padding(length=max_length, pad_id=padding[0], pad_token=padding[1])
    text: str = tokenizer.to_str()
    return text


def _read(folder: Path) -> tuple[Any, tuple[int, str]]:
    """Return the tokenizer, and the number and text of its token of padding."""
    tokenizers = import_tokenizers("to read text for a pretrained tower")
    path = folder / "tokenizer.json"
    if path.is_file():
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    elif (folder / "tokenizer_config.json").is_file() or (folder / "vocab.txt").is_file():
        from transformers import AutoTokenizer

        found = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        backend: Any = getattr(found, "backend_tokenizer", None)
        if backend is None:
            raise ValueError(
                f"the tokenizer in {folder} ({type(found).__name__}) has no form in the package "
                "tokenizers: save a fast tokenizer there, as tokenizer.json."
            )
        tokenizer = backend
    else:
        raise FileNotFoundError(
            f"{folder} has no tokenizer.json, which turns text into tokens: save the tokenizer of "
            "the model there."
        )
    token = _config(folder, "tokenizer_config.json").get("pad_token") or "[PAD]"
    token = token["content"] if isinstance(token, dict) else token
    return tokenizer, (tokenizer.token_to_id(token) or 0, token)


def _stated_length(folder: Path) -> int | None:
    """Return the largest number of tokens that the files of a folder state."""
    sentences = _config(folder, "sentence_bert_config.json").get("max_seq_length")
    length = sentences or _config(folder, "tokenizer_config.json").get("model_max_length")
    return int(length) if length and length < 1e6 else None  # huge: none is known


def _config(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found

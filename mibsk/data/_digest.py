"""Hash of nested arrays and plain values, for comparing their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._checks.tensors import is_tensor
from ..files.memory_map import read_chunks
from ._one_hot import OneHot

_CHUNK_BYTES = 2**26


def digest(content: Any) -> str:
    """Return 32 hexadecimal digits that change if anything in `content` does.

    Parameters
    ----------
    content : nested mappings, lists, tuples, arrays, tensors, CSR matrices and plain values
        Arrays and tensors are hashed with shape, dtype and values, mappings regardless of order,
        and other objects by type name and `repr`.
    """
    hasher = hashlib.blake2b(digest_size=16)
    _update(hasher, content)
    return hasher.hexdigest()


def _update(hasher: Any, content: Any) -> None:
    if isinstance(content, Mapping):
        hasher.update(f"mapping {len(content)}:".encode())
        for key in sorted(content, key=repr):
            _update(hasher, key)
            _update(hasher, content[key])
    elif isinstance(content, list | tuple):
        hasher.update(f"sequence {len(content)}:".encode())
        for item in content:
            _update(hasher, item)
    elif sp.issparse(content):
        csr = content.tocsr()
        _update(hasher, ["csr", csr.shape, csr.indptr, csr.indices, csr.data])
    elif isinstance(content, np.ndarray | OneHot) and content.dtype.kind != "O":
        hasher.update(f"array {content.dtype.str} {content.shape}:".encode())
        row_bytes = max(content[:1].nbytes, 1) if content.ndim else 1
        step = max(_CHUNK_BYTES // row_bytes, 1)
        rows: Any = content
        if isinstance(content, np.ndarray):
            rows = np.atleast_1d(content)
        for _, chunk in read_chunks(rows, step):
            hasher.update(np.ascontiguousarray(chunk).reshape(-1).view(np.uint8))
    elif isinstance(content, np.ndarray):
        _update(hasher, ["objects", content.shape, content.ravel().tolist()])
    elif is_tensor(content) and not content.is_sparse:
        import torch

        values = content.detach().cpu().resolve_conj().resolve_neg().reshape(-1)
        _update(hasher, ["tensor", str(content.dtype), tuple(content.shape)])
        _update(hasher, values.view(torch.uint8).numpy())  # NumPy lacks some dtypes
    else:
        text = f"{type(content).__name__} {content!r}"
        hasher.update(f"{len(text)}:{text}".encode())

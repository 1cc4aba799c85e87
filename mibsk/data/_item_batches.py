"""Batches of items of torch Datasets, which may lack modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ._inputs import InputSpec
from ._items import check_known, stack_items
from ._missing import present_rows
from ._rows import Batch, EncoderInput, make_rows


def batch_of_items(
    items: Sequence[Any], specs: Mapping[str, InputSpec], device: torch.device
) -> Batch:
    """Return items, mappings of modality to row, as one batch on the device.

    Raises
    ------
    ValueError, TypeError
        If rows do not match their specification, or an item has another modality.
    """
    columns = stack_items(items)
    check_known(columns, list(specs))
    n = len(items)
    rows, present = {}, {}
    for name, spec in specs.items():
        known, mask = present_rows(name, columns[name]) if name in columns else (None, None)
        present[name] = torch.full((n,), name in columns)
        if mask is not None:
            present[name] = torch.from_numpy(mask)
        if present[name].any():
            prepared = make_rows(spec.prepare(known), device)
            rows[name] = prepared.take(torch.arange(len(prepared)))
    return make_batch(rows, present, device)


def make_batch(
    rows: Mapping[str, EncoderInput], present: Mapping[str, torch.Tensor], device: torch.device
) -> Batch:
    """Return a batch, with the masks `present` only if a row lacks a modality."""
    if all(bool(mask.all()) for mask in present.values()):
        return Batch(rows)
    return Batch(rows, {name: mask.to(device) for name, mask in present.items()})

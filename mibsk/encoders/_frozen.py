"""Pretrained towers whose weights stay fixed."""

import copy
from abc import abstractmethod
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ._factory import EncoderFactory


class FrozenFactory(EncoderFactory):
    """Factory of an encoder whose first layer is a :class:`FrozenTrunk`, which is run once."""

    cache: str | PathLike[str] | None
    """Folder for the features of the rows of `fit`."""

    @abstractmethod
    def trunk(self, input_shape: tuple[int, ...]) -> "FrozenTrunk":
        r"""Return the first layer for rows of `input_shape`, on the CPU, in eval mode."""


class Frozen(FrozenFactory):
    r"""Pretrained tower with fixed weights, below a linear head that is trained.

    Parameters
    ----------
    tower : nn.Module
        Maps float32 rows (n, \*input_shape) to features (n, n_features). Each encoder gets a copy,
        on the CPU.
    scale_inputs : bool, default=False
        Standardise the rows first. By default the tower gets the rows as they are, in float32.
    cache : str or path, default=None
        Folder for the features of the rows of `fit`, where later calls find them: with another
        seed or `beta`, or in another process. A file of features is named after the content of the
        rows, the weights, modules, settings and source of the tower, the scaling, the versions of
        torch and mibsk, and the kind of device; if its features are not those of the tower, it is
        replaced with a warning. Nothing is ever deleted there. By default, features are kept for
        one `fit`.

    Notes
    -----
    The tower runs in eval mode, also while the head is trained: dropout is off and batch
    normalisation keeps its statistics. Sparse rows are not supported.

    `fit` runs the tower once for each row, in float32, and trains the head on its features, which
    are held in memory or, above 1 GiB, in a temporary file. They are those that the tower would
    return in each epoch, up to rounding, which depends on the number of rows that it reads at once.
    It stays in the loop of training, with a warning if `cache` is given, for the items of a torch
    Dataset, which may differ each time they are read, and if the output for a row changes from call
    to call, or with the rows beside it. `partial_fit` reads each row once and keeps nothing.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Frozen
    >>> tower = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 7), torch.nn.Tanh())
    >>> encoder = Frozen(tower)(input_shape=(3, 4), n_outputs=2)
    >>> [name for name, weight in encoder.named_parameters() if weight.requires_grad]
    ['1.weight', '1.bias']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "tower": [nn.Module],
        "scale_inputs": ["boolean"],
        "cache": [str, PathLike, None],
    }

    def __init__(
        self,
        tower: nn.Module,
        *,
        scale_inputs: bool = False,
        cache: str | PathLike[str] | None = None,
    ) -> None:
        self.tower = tower
        self.scale_inputs = scale_inputs
        self.cache = cache

    @property
    def scales_input(self) -> bool:
        """Whether dense input is standardised before it reaches the module."""
        return self.scale_inputs

    def trunk(self, input_shape: tuple[int, ...]) -> "FrozenTrunk":
        r"""Return a copy of the tower for rows of `input_shape`, on the CPU, in eval mode.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or the tower cannot read such rows.
        """
        self._validate_params()
        trunk, _ = self._build_trunk(input_shape)
        assert isinstance(trunk[0], FrozenTrunk)
        return trunk[0]

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        trunk = FrozenTrunk(copy.deepcopy(self.tower).cpu())
        try:
            features = trunk(torch.zeros(2, *input_shape))
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(
                f"The tower of Frozen cannot read rows of shape {input_shape}: {reason}. Pass a "
                "tower for rows of this shape."
            ) from error
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != 2:
            got = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ValueError(
                f"The tower of Frozen returned {got} for 2 rows: expected a Tensor of shape "
                "(2, n_features). Pool or flatten its output."
            )
        return [trunk], features.shape[1]


class FrozenTrunk(nn.Module):
    """Run a module in eval mode and without gradients; its parameters require none.

    Parameters
    ----------
    tower : nn.Module
        Kept, not copied.
    """

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever the `mode`."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map rows of any real type to the tower's features."""
        with torch.no_grad():
            return self.tower(x.to(torch.float32))


def frozen_names(module: nn.Module) -> set[str]:
    """Return the names of the state-dict entries that are frozen.

    Parameters
    ----------
    module : nn.Module
        Any module, such as an :class:`Encoder`.

    Returns
    -------
    set of str
        Parameters and buffers of all :class:`FrozenTrunk` modules, named as in
        ``module.state_dict()``.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Frozen, frozen_names
    >>> encoder = Frozen(torch.nn.Linear(5, 3))(input_shape=(5,), n_outputs=2)
    >>> sorted(frozen_names(encoder))
    ['0.tower.bias', '0.tower.weight']
    """
    return {
        name
        for path, part in module.named_modules()
        if isinstance(part, FrozenTrunk)
        for name in part.state_dict(prefix=path and f"{path}.")
    }

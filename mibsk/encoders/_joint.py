"""Encoders of all modalities that are built together."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ..data import EncoderInput

JointTerm = Callable[
    [Mapping[str, nn.Module], Mapping[str, EncoderInput], Mapping[str, Tensor]], Tensor
]
"""From the modules, the rows and the embeddings (n, n_components) of each modality to a loss ()."""


class JointEncoders(ABC):
    r"""Encoders of all modalities that are built together, and so can share weights.

    A subclass builds one module per modality; modules may contain the same submodules. It may have
    losses of its own, which need more than embeddings, as that of a text given a picture; they are
    added to those of the objective. Rows are not standardised.

    Examples
    --------
    Two views of one kind, which are read by one network:

    >>> import numpy as np
    >>> import torch
    >>> from mibsk import IBAligner
    >>> from mibsk.encoders import JointEncoders
    >>> class OneNetwork(JointEncoders):
    ...     def __call__(self, input_shapes, n_outputs):
    ...         (shape,) = set(input_shapes.values())
    ...         network = torch.nn.Linear(shape[0], n_outputs)
    ...         return {name: network for name in input_shapes}
    >>> X = np.random.default_rng(0).normal(size=(100, 6))
    >>> aligner = IBAligner(encoders=OneNetwork(), max_epochs=2, bottleneck=None, random_state=0)
    >>> Z = aligner.fit({"left": X, "right": X + 0.1}).embed({"left": X, "right": X})
    >>> bool((Z["left"] == Z["right"]).all())
    True
    """

    @abstractmethod
    def __call__(
        self, input_shapes: Mapping[str, tuple[int, ...]], n_outputs: int
    ) -> Mapping[str, nn.Module]:
        r"""Return modules that map the rows of each modality (n, \*shape) to (n, n_outputs)."""

    def terms(self) -> Mapping[str, JointTerm]:
        """Return further summands of the loss, with their weights in them, by name."""
        return {}

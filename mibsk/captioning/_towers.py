"""Encoders of pictures and captions that share one querying transformer, and its losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..encoders import JointEncoders, JointTerm
from ._names import CAPTION, PICTURE
from ._qformer import Memory, QFormer
from ._tokenizer import PADDING


class QFormerTowers(JointEncoders):
    r"""Encoders of pictures and of captions: one querying transformer, of two tasks and more.

    The embedding of a picture is linear in the mean of the queries that have read its features,
    that of a caption in the state of its first token. Two losses may be added to that of the
    embeddings, as in the first stage of BLIP-2 [1]_:

    - ``captioning``: the cross-entropy of each token of the caption, given the queries and the
      tokens before it, with label smoothing;
    - ``matching``: the cross-entropy of whether picture and caption belong together, for each pair
      of the batch and for two wrong ones, whose caption or picture is drawn among those that the
      embeddings confuse most.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    captioning, matching : float
        Weights of the losses; 0 leaves one out.
    label_smoothing : float, default=0.1
        Probability that is spread over all tokens.
    **options : dict
        Parameters of :class:`QFormer`.

    References
    ----------
    .. [1] Li et al., "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders
       and Large Language Models", ICML 2023.
    """

    def __init__(
        self,
        n_tokens: int,
        *,
        captioning: float = 1.0,
        matching: float = 0.0,
        label_smoothing: float = 0.1,
        **options: Any,
    ) -> None:
        self.n_tokens = n_tokens
        self.captioning = captioning
        self.matching = matching
        self.label_smoothing = label_smoothing
        self.options = options

    def __call__(
        self, input_shapes: Mapping[str, tuple[int, ...]], n_outputs: int
    ) -> dict[str, nn.Module]:
        """Build both, for features (n, d) or (n, n_patches, d) and tokens (n, length)."""
        feature_width = input_shapes[PICTURE][-1]
        qformer = QFormer(feature_width, self.n_tokens, **self.options)
        return {
            PICTURE: PictureTower(
                qformer, feature_width, n_outputs, keeps_memory=self.captioning > 0
            ),
            CAPTION: CaptionTower(qformer, n_outputs),
        }

    def get_params(self) -> dict[str, Any]:
        """Return the arguments that build the same encoders."""
        own = {name: value for name, value in vars(self).items() if name != "options"}
        return {**own, **self.options}

    def terms(self) -> dict[str, JointTerm]:
        """Return the losses whose weight is not 0."""
        terms: dict[str, JointTerm] = {}
        if self.captioning:
            terms["captioning"] = self._captioning
        if self.matching:
            terms["matching"] = self._matching
        return terms

    def _captioning(self, modules: Any, rows: Any, embeddings: Any) -> Tensor:
        tower, tokens = modules[PICTURE], without_padding(rows[CAPTION].long())
        logits, _ = tower.qformer.write(tokens[:, :-1], tower.memory_of(rows[PICTURE]))
        loss = cross_entropy(
            logits.flatten(0, 1),
            tokens[:, 1:].flatten(),
            ignore_index=PADDING,
            label_smoothing=self.label_smoothing,
        )
        return self.captioning * loss

    def _matching(self, modules: Any, rows: Any, embeddings: Any) -> Tensor:
        tower, features = modules[PICTURE], rows[PICTURE]
        tokens = without_padding(rows[CAPTION].long())
        captions, pictures = hard_negatives(embeddings[PICTURE], embeddings[CAPTION], rows.groups)
        n = len(tokens)
        texts = torch.cat([tokens, tokens[captions], tokens])
        seen = torch.cat([features, features, features[pictures]])
        queries = tower.qformer.match(tower.normalised(seen), texts, texts != PADDING)
        logits = tower.to_match(queries).mean(1)
        truth = (torch.arange(3 * n, device=logits.device) < n).long()
        return self.matching * cross_entropy(logits, truth)


class PictureTower(nn.Module):
    """Features of pictures to embeddings.

    Parameters
    ----------
    qformer : QFormer
        Reads them.
    feature_width, n_outputs : int
        Widths of features and embeddings.
    keeps_memory : bool
        Keep what text sees of the queries for the loss of the captions, which is computed next.
    """

    def __init__(
        self, qformer: QFormer, feature_width: int, n_outputs: int, *, keeps_memory: bool
    ) -> None:
        super().__init__()
        self.keeps_memory = keeps_memory
        width = qformer.queries.shape[1]
        self.qformer = qformer
        self.norm = nn.LayerNorm(feature_width)
        self.project = nn.Linear(width, n_outputs)
        self.to_match = nn.Linear(width, 2)
        self._last: tuple[Tensor, Memory] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Map features (n, d) or (n, n_patches, d) to (n, n_outputs)."""
        queries, memory = self.qformer.look(self.normalised(features))
        if self.keeps_memory and torch.is_grad_enabled():
            self._last = features, memory
        return self.project(queries.mean(1))

    def normalised(self, features: Tensor) -> Tensor:
        """Return features, of any type of number, with mean 0 and variance 1 of each vector."""
        return self.norm(features.float())

    def memory_of(self, features: Tensor) -> Memory:
        """Return what text sees of the queries, of the last batch without computing it again."""
        last, self._last = self._last, None
        if last is not None and last[0] is features:
            return last[1]
        return self.qformer.look(self.normalised(features))[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the last batch, which a fit that was interrupted leaves."""
        return {**super().__getstate__(), "_last": None}


class CaptionTower(nn.Module):
    """Tokens of captions to embeddings."""

    def __init__(self, qformer: QFormer, n_outputs: int) -> None:
        super().__init__()
        self.qformer = qformer
        self.project = nn.Linear(qformer.queries.shape[1], n_outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (n, length), of any type of number, to (n, n_outputs)."""
        tokens = tokens.long()
        if self.training:  # an exported encoder has a fixed length
            tokens = without_padding(tokens)
        return self.project(self.qformer.read(tokens, tokens != PADDING)[:, 0])


def without_padding(tokens: Tensor) -> Tensor:
    """Return tokens (n, length) up to the end of the longest text."""
    return tokens[:, : int((tokens != PADDING).sum(1).max())]


@torch.no_grad()
def hard_negatives(
    pictures: Tensor, captions: Tensor, groups: Tensor | None = None, temperature: float = 0.07
) -> tuple[Tensor, Tensor]:
    """Draw, for each pair, a wrong caption and a wrong picture, the more similar the likelier.

    Parameters
    ----------
    pictures, captions : Tensor of shape (n, d)
        Embeddings of unit norm; row `i` of both is a pair.
    groups : Tensor of int64 of shape (n,), default=None
        Picture of each pair; pairs of one picture are not wrong.
    temperature : float, default=0.07
        Of the probabilities.

    Returns
    -------
    captions, pictures : Tensor of int64 of shape (n,)
        Row numbers; the own one where all pairs are of one picture.
    """
    scores = pictures @ captions.T / temperature
    if groups is None:
        groups = torch.arange(len(scores), device=scores.device)
    groups = groups.to(scores.device)
    same = groups[:, None] == groups
    alone = same.all(1)
    own = torch.arange(len(scores), device=scores.device)
    drawn = []
    for table in (scores, scores.T):
        weights = table.masked_fill(same, -torch.inf).softmax(1)
        weights[alone] = torch.eye(len(scores), device=scores.device)[alone]
        drawn.append(torch.where(alone, own, weights.multinomial(1)[:, 0]))
    return drawn[0], drawn[1]

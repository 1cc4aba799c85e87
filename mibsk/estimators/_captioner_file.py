"""Files of fitted captioners that execute no code when they are loaded."""

from __future__ import annotations

import os
from typing import Any, Self

from sklearn.base import BaseEstimator

from ..captioning import CaptionTokenizer, QFormerTowers
from ..encoders import Pretrained
from ..files.state_file import read_state, write_state
from ..training import pack_params, unpack_params
from ._aligner import IBAligner
from ._captioner_fitted import as_tower
from ._check_fitted import check_fitted
from ._model_file import check_names, file_state, from_file_state, with_stored
from ._pickling import device_here

_MODEL = "QFormerCaptioner"


class CaptionerFileMixin(BaseEstimator):
    """Files of a fitted captioner: its parameters, word pieces, and aligner."""

    aligner_: IBAligner
    tokenizer_: CaptionTokenizer

    _tower_digest: str | None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted captioner to a file that executes no code when it is read.

        A tower "pretrained:PATH" is stored as path and digest of its files; another object must be
        passed to :meth:`load`.

        Parameters
        ----------
        path : path
            Destination path; an existing file is replaced atomically.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the captioner is not fitted.
        OSError
            If the file cannot be written.
        """
        check_fitted(self)
        state = {
            "model": _MODEL,
            "params": pack_params(self.get_params(deep=False), self.aligner_.form_),
            "tokenizer": self.tokenizer_.to_json(),
            "tower": self._tower_digest,
            "encoders": self.aligner_.encoders.get_params(),
            "output_config": vars(self).get("_sklearn_output_config"),
            "aligner": file_state(self.aligner_),
        }
        write_state(path, state)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **params: Any) -> Self:
        """Read a captioner from a file written by :meth:`save`.

        Parameters
        ----------
        path : path
            The file.
        **params : dict
            Parameters that replace the saved ones, and objects that are not stored in the file,
            such as a tower or a loss of your own.

        Returns
        -------
        QFormerCaptioner
            Fitted.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        mibsk.exceptions.TornFileError
            If it is incomplete or damaged.
        ValueError
            If it does not contain a captioner, lacks an object that is not passed, or its weights
            do not match those passed; or if the files of its tower are others.
        """
        path = os.fspath(path)
        check_names(cls, params)
        state = read_state(path)
        try:
            if state["model"] != _MODEL:
                raise ValueError(f"it is a {state['model']!r}")
            saved = unpack_params(state["params"])
            tokenizer = CaptionTokenizer.from_json(state["tokenizer"])
            encoders = QFormerTowers(**state["encoders"])
            aligner, digest = state["aligner"], state["tower"]
            output_config = state["output_config"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} does not hold a {cls.__name__} as this version of mibsk writes it "
                f"({error!r})."
            ) from error
        chosen = {**with_stored(cls, saved, params, path), **params}
        if "device" not in params:
            chosen["device"] = device_here(chosen["device"], path)
        captioner = cls(**chosen)
        captioner._validate_params()
        if digest != (found := digest_of(captioner.tower)):
            raise ValueError(
                f"{path} was fitted on the features of the tower with the digest "
                f"{digest}, and tower={captioner.tower!r} has {found}: pass the "
                "unchanged tower, tower=..., with its path on this machine."
            )
        passed = params.keys() & IBAligner._parameter_constraints.keys()
        captioner.aligner_ = from_file_state(
            IBAligner,
            aligner,
            path,
            {
                **{name: params[name] for name in passed},
                "encoders": encoders,
                "device": captioner.device,
            },
        )
        captioner.tokenizer_, captioner._tower_digest = tokenizer, digest
        if output_config is not None:
            captioner._sklearn_output_config = output_config
        return captioner


def digest_of(tower: Any) -> str | None:
    """Return output and digest of the files of a pretrained tower; None of anything else."""
    tower = as_tower(tower)
    return f"{tower.output}:{tower.digest}" if isinstance(tower, Pretrained) else None

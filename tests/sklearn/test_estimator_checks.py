"""Every check that scikit-learn has for estimators, on every public estimator; none may skip."""

import functools
import inspect
import tempfile
from collections import Counter
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import mibsk
from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV, ModalityEncoder, OnnxEncoder
from mibsk.onnx import export_encoder

QUICK = {"n_components": 4, "max_epochs": 1, "random_state": 0}
# two columns: a NaN in a modality of one column is a missing row, which is no error
CUT = {"first": slice(0, 2), "rest": slice(1, None)}
N_CHECKS = 375  # of all estimators together; scikit-learn 1.9 has 47 or 48 of each

FILES = tempfile.TemporaryDirectory()


class TrainedOnnxEncoder(OnnxEncoder):
    """An `OnnxEncoder` whose file is made in `fit`.

    A file takes rows of one width, and the checks come with tables of many widths. `fit` trains
    an aligner on the two tables of the check, which validates them, and opens the file of an
    encoder of the same inputs; everything else is `OnnxEncoder` as it is.
    """

    providers, batch_size, n_threads = "auto", 1024, None

    def __init__(self):
        pass

    @property
    def path(self):
        return self.path_

    def fit(self, X, y=None):
        spec = IBAligner(**QUICK).fit(X, y).inputs_["x"]
        self.path_ = exported(spec.shape, spec.is_sparse)
        return super().fit(X)

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "path_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = tags.target_tags.required = True
        return tags


@functools.cache  # an export takes most of a second
def exported(shape, is_sparse):
    """Return the file of an encoder trained on random rows of this shape."""
    X, Y = np.random.default_rng(0).normal(size=(2, 20, *shape))
    aligner = IBAligner(**QUICK).fit(sp.csr_array(X) if is_sparse else X, Y)
    return export_encoder(aligner, "x", Path(FILES.name) / f"{shape}-{is_sparse}.onnx")


ESTIMATORS = [
    IBAligner(**QUICK),
    IBAligner(CUT, **QUICK),
    IBAligner(**QUICK, minimality="variational", early_stopping=True, validation_fraction=0.2),
    IBAligner(**{**QUICK, "max_epochs": 2}, beta="auto"),
    IBAlignerCV(IBAligner(**QUICK), betas=(0.0, 1.0), cv=2),
    ModalityEncoder(IBAligner(**QUICK), "x"),
    ModalityEncoder(IBAligner(CUT, **QUICK), "first"),
    TrainedOnnxEncoder(),
    CanonicalBottleneck(4),
    CanonicalBottleneck(4, modalities=CUT),
    ModalityEncoder(CanonicalBottleneck(4), "x"),
]


@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")  # the data are tiny
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.NothingSharedWarning")  # and random
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.FewHeldOutWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else the check of array namespaces is skipped
    try:
        check(estimator)
    except SkipTest as reason:
        pytest.fail(f"was not checked: {reason}")


def test_all_checks_are_run(request):
    """As many as scikit-learn has for this estimator, and not fewer than there once were."""
    collected = Counter(
        repr(item.callspec.params["estimator"])
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    )
    expected = {repr(e): len(list(estimator_checks_generator(e))) for e in ESTIMATORS}
    assert collected == expected, "run this file as a whole"
    assert collected.total() >= N_CHECKS


def test_every_public_estimator_is_checked():
    public = {getattr(mibsk, name) for name in mibsk.__all__}
    estimators = {c for c in public if inspect.isclass(c) and issubclass(c, BaseEstimator)}
    assert {IBAligner, IBAlignerCV, ModalityEncoder, OnnxEncoder} <= estimators
    # the checks have numbers as targets, not captions: see test_qformer_captioner.py
    estimators -= {mibsk.QFormerCaptioner}
    assert estimators <= {base for e in ESTIMATORS for base in type(e).__mro__}

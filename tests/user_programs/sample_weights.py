"""Weigh the samples of a classifier, and of the score of an aligner, by metadata routing."""

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from mibsk import IBAligner

X, y = load_breast_cancer(return_X_y=True)
weights = np.where(y == 0, 100.0, 1.0)  # no malignant tumour shall be missed
halves = {"mean": slice(0, 10), "worst": slice(20, 30)}
aligner = IBAligner(halves, max_epochs=5, random_state=0)
classifier = LogisticRegression(max_iter=500)
found = {}
with sklearn.config_context(enable_metadata_routing=True):
    aligner.set_score_request(sample_weight=True)
    scores = cross_validate(aligner, X, cv=3, params={"sample_weight": weights})["test_score"]
    model = make_pipeline(aligner, classifier.set_fit_request(sample_weight=True))
    for name, params in {"plain": {}, "weighted": {"sample_weight": weights[::2]}}.items():
        predicted = model.fit(X[::2], y[::2], **params).predict(X[1::2])
        found[name] = (predicted == 0)[y[1::2] == 0].mean()
print("malignant tumours found", found, "retrieval", scores.mean())

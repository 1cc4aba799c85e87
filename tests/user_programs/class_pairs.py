"""Pair two sets of images by class, and keep the classes balanced over the folds."""

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score

from mibsk import ClassPairs, IBAligner

X, y = load_digits(return_X_y=True)
pairs = ClassPairs(
    {"first": (X[:1000], y[:1000]), "second": (X[1000:, ::-1], y[1000:])},
    anchor="first",
    random_state=0,
)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
aligner = IBAligner(n_components=16, max_epochs=8, random_state=0)
scores = cross_val_score(aligner, pairs, pairs.labels, cv=folds, error_score="raise")
print("recall@1 of the class", scores.mean())

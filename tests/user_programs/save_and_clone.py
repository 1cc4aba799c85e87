"""Save a fitted pipeline, load it, and train an equal one again."""

import tempfile
from pathlib import Path

import joblib
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mibsk import IBAligner

X, y = load_digits(return_X_y=True)
halves = {"top": slice(0, 32), "bottom": slice(32, 64)}
aligner = IBAligner(halves, max_epochs=5, random_state=0)
model = make_pipeline(aligner, LogisticRegression(max_iter=500)).fit(X[:1200], y[:1200])
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.joblib"
    joblib.dump(model, path)
    loaded = joblib.load(path)
again = clone(loaded).fit(X[:1200], y[:1200])
probabilities = [m.predict_proba(X[1200:]) for m in (model, loaded, again)]
accuracy = loaded.score(X[1200:], y[1200:])
print("accuracy", accuracy)

"""Choose beta by successive halving, by what a classifier makes of the embeddings."""

from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.pipeline import make_pipeline

from mibsk import IBAligner

X, y = load_digits(return_X_y=True)
aligner = IBAligner({"top": slice(0, 32), "bottom": slice(32, 64)}, max_epochs=3, random_state=0)
search = HalvingGridSearchCV(
    make_pipeline(aligner, LogisticRegression(max_iter=500)),
    {"ibaligner__beta": [0.0, 0.1, 1.0, 1000.0]},
    factor=2,
    cv=2,
    random_state=0,
    error_score="raise",
).fit(X, y)
n_samples = search.n_resources_
print(search.best_params_, search.best_score_)

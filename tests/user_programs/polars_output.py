"""Polars in, polars out; columns are found by their names."""

import polars as pl
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import IBAligner

data = load_breast_cancer()
X = pl.DataFrame(data.data, schema=list(data.feature_names))
modalities = {
    "typical": [name for name in X.columns if name.startswith("mean")],
    "extreme": [name for name in X.columns if name.startswith("worst")],
}
aligner = IBAligner(modalities, n_components=3, max_epochs=5, random_state=0)
model = make_pipeline(StandardScaler(), aligner, LogisticRegression())
model.set_output(transform="polars").fit(X, data.target)
embedded = model[:-1].transform(X)
alone = IBAligner(modalities, max_epochs=1, random_state=0).fit(X)
same = alone.transform(X) == alone.transform(X.select(reversed(X.columns)))
scores = cross_val_score(model, X, data.target, cv=3, error_score="raise")
print(embedded.describe(), scores)

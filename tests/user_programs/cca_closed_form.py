"""Canonical correlations of two tables, as in scikit-learn, with intervals and a test."""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_linnerud
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import CanonicalBottleneck
from mibsk.exceptions import NothingSharedWarning

warnings.simplefilter("ignore", NothingSharedWarning)  # of 20 rows, without a ridge
X, Y = load_linnerud(return_X_y=True, as_frame=True)
cca = CanonicalBottleneck(2, beta=0, ridge=0, weights=None)
x_scores, y_scores = cca.set_output(transform="pandas").fit(X, Y).transform(X, Y)
correlation = np.corrcoef(x_scores.iloc[:, 0], y_scores[:, 0])[0, 1]
found = cca.permutation_test(X, Y, random_state=0)
print(cca.correlations_.round(2), cca.loadings_["x"].round(2), found.p_values, sep="\n")

predicted = cca.predict(X)

table, benign = load_breast_cancer(return_X_y=True)
cut = {"mean": slice(0, 10), "worst": slice(20, 30)}
model = make_pipeline(
    StandardScaler(), CanonicalBottleneck(modalities=cut), LogisticRegression(max_iter=1000)
)
scores = cross_val_score(model, table, benign, cv=3)

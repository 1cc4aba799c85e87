"""The same lines with canonical correlation analysis and with an aligner."""

import numpy as np
from sklearn.cross_decomposition import CCA
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from mibsk import IBAligner
from mibsk.metrics import recall_at_k

table = StandardScaler().fit_transform(load_breast_cancer().data)
X, X_test, Y, Y_test = train_test_split(table[:, :10], table[:, 20:], random_state=0)

shapes, recalls = {}, {}
for estimator in (
    CCA(n_components=5),
    IBAligner(n_components=5, batch_size=64, max_epochs=30, random_state=0),
):
    name = type(estimator).__name__
    x_test, y_test = estimator.fit(X, Y).transform(X_test, Y_test)
    shapes[name] = estimator.transform(X_test).shape
    assert np.allclose(estimator.transform(X_test), x_test, atol=1e-6)
    recalls[name] = recall_at_k(x_test, y_test, k=5)

n_test = len(X_test)
print("recall@5", recalls)

"""A script for canonical correlation analysis, of which only the import was changed."""

# ruff: noqa: N814, NPY002
import numpy as np
from sklearn.model_selection import train_test_split

from mibsk import IBAligner as CCA

np.random.seed(0)
n = 500
latent = np.repeat(np.random.normal(size=(n, 2)), 2, axis=1)
X = latent + np.random.normal(size=(n, 4))
Y = latent + np.random.normal(size=(n, 4))
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.5, shuffle=False)

cca = CCA(n_components=2)
cca.fit(X_train, Y_train)
X_test_r, Y_test_r = cca.transform(X_test, Y_test)
correlations = [np.corrcoef(X_test_r[:, i], Y_test_r[:, i])[0, 1] for i in range(2)]
print("test correlations", correlations)

X_c, Y_c = CCA(n_components=2).fit_transform(X, Y)
frame = cca.set_output(transform="pandas").transform(X_test)
names = list(cca.get_feature_names_out())
score = cca.score(X_test, Y_test)
print("score", score, "of", cca.n_features_in_, "columns after", cca.n_iter_, "iterations")

"""Prepare columns of several kinds first, and align what comes out."""

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mibsk import IBAligner

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X["size"] = ["large" if radius > 15 else "small" for radius in X["mean radius"]]
X = X.drop(columns="mean radius")
prepare = ColumnTransformer(
    [
        ("cell", StandardScaler(), make_column_selector("^mean")),
        ("coarse", OneHotEncoder(sparse_output=False), ["size"]),
        ("extreme", StandardScaler(), make_column_selector("^worst")),
    ]
).set_output(transform="pandas")
modalities = {
    "typical": make_column_selector("^cell__|^coarse__"),
    "extreme": make_column_selector("^extreme__"),
}
aligner = IBAligner(modalities, n_components=16, max_epochs=10, random_state=0)
pipeline = make_pipeline(prepare, aligner, LogisticRegression())
scores = cross_val_score(pipeline, X, y, cv=3, error_score="raise")
names = list(pipeline[:-1].fit(X, y).get_feature_names_out())
print("accuracy", scores.mean())

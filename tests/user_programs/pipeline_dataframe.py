"""Scale, align and classify a DataFrame whose columns are two modalities."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import IBAligner

X, y = load_digits(return_X_y=True, as_frame=True)
halves = {
    "left": [name for name in X if int(name[-1]) < 4],  # pixel_<row>_<column>
    "right": [name for name in X if int(name[-1]) >= 4],
}
pipeline = make_pipeline(
    StandardScaler().set_output(transform="pandas"),
    IBAligner(modalities=halves, max_epochs=5, random_state=0),
    LogisticRegression(max_iter=500),
)
scores = cross_val_score(pipeline, X, y, cv=3, error_score="raise")
print("accuracy", scores.mean())

"""Ask for DataFrames, whose columns are named and whose index is that of the input."""

from sklearn.datasets import load_breast_cancer

from mibsk import IBAligner

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X.index = [f"patient {i}" for i in X.index]
modalities = {
    "typical": [name for name in X if name.startswith("mean")],
    "extreme": [name for name in X if name.startswith("worst")],
}
aligner = IBAligner(modalities, n_components=3, max_epochs=5, random_state=0)
aligner.set_output(transform="pandas")
embedded = aligner.fit_transform(X)
names = list(aligner.get_feature_names_out())
fused = aligner.set_params(fusion="mean").transform(X)
benign = embedded.groupby(y.to_numpy()).mean()
print(embedded.head(2))

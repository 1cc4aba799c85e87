"""What a half of a digit shares with the other, beside its principal components."""

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import FeatureUnion, make_pipeline

from mibsk import IBAligner

images, y = load_digits().images, load_digits().target
left, right = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
left, left_test, right, _, y, y_test = train_test_split(left, right, y, random_state=0)

aligner = IBAligner(max_epochs=10, random_state=0).fit({"left": left, "right": right})
features = FeatureUnion([("shared", aligner.encoder("left")), ("pca", PCA(4, random_state=0))])
model = make_pipeline(features, LogisticRegression(max_iter=2000)).fit(left, y)
accuracy = model.score(left_test, y_test)
alone = make_pipeline(PCA(4, random_state=0), LogisticRegression(max_iter=2000)).fit(left, y)
accuracy_of_pca = alone.score(left_test, y_test)
names = list(features.fit(left).get_feature_names_out())
print("accuracy", accuracy, "of principal components alone", accuracy_of_pca)

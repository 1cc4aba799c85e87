"""Choose beta for the closed form, store the model, and serve an encoder without torch."""

import tempfile
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from mibsk import CanonicalBottleneck, Modalities, OnnxEncoder
from mibsk.onnx import export_encoders

images = load_digits().images
pairs = Modalities({"left": images[:, :, :4], "right": images[:, :, 4:]})
train, test = train_test_split(pairs, random_state=0)
search = GridSearchCV(CanonicalBottleneck(), {"beta": [0.02, 0.1, 0.3]}, cv=3).fit(train)
model = search.best_estimator_
folder = Path(tempfile.mkdtemp())
model.save(folder / "model.safetensors")
loaded = CanonicalBottleneck.load(folder / "model.safetensors")
served = OnnxEncoder(export_encoders(loaded, folder)["left"])
embedded = {"fitted": model.embed(test)["left"], "loaded": loaded.embed(test)["left"]}
embedded["served"] = served.transform(test["left"])
parts = model.split(test)["left"]
right = model.predict({"left": test["left"]})
print(search.best_params_, model.score(test), model.information_)

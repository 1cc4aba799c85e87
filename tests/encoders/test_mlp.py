import numpy as np
import torch
from sklearn.neural_network import MLPRegressor
from torch import nn

from mibsk.encoders import MLP


def test_equals_scikit_learn_with_its_weights():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 6)), rng.normal(size=(50, 3))
    other = MLPRegressor(hidden_layer_sizes=(8, 5), random_state=0)
    other.partial_fit(X, Y)
    module = MLP((8, 5), batch_norm=False)((6,), 3)
    linears = [layer for layer in module if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for linear, weight, bias in zip(linears, other.coefs_, other.intercepts_, strict=True):
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        output = module(torch.from_numpy(X).float())
    np.testing.assert_allclose(output.numpy(), other.predict(X), atol=1e-5)


def test_layers_in_order():
    module = MLP((4,), dropout=0.5)((2, 3), 2)
    kinds = [nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]
    assert [type(layer) for layer in module] == kinds


def test_dropout_is_active_in_training_only():
    module = MLP((64,), batch_norm=False, dropout=0.5)((3,), 4)
    x = torch.ones(1, 3)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))

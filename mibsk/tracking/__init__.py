"""MLflow: training curves of aligners, and a model flavour for them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""MLflow: training curves of an aligner, and aligners as models that load back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Paired data: containers, specification of the input of a modality, and batches of rows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

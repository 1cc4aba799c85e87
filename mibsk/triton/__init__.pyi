from ._repository import write_model_repository

__all__ = ["write_model_repository"]

from ._app import create_app
from ._run import serve
from ._service import Service, Settings

__all__ = ["Service", "Settings", "create_app", "serve"]

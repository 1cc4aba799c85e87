from ._runtime import runtime_files
from ._write import Site, write_site

__all__ = ["Site", "runtime_files", "write_site"]

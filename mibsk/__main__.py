"""The command as ``python -m mibsk``."""

from .cli import main

if __name__ == "__main__":
    main()

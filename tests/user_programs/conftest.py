"""Keep the programs from being imported, and so run, by the collection of doctests."""

collect_ignore_glob = ["*.py"]

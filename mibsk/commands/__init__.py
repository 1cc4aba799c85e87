"""The commands of ``mibsk``, one per file, imported when they are used."""

"""Uses of mibsk, each in a folder of its own."""

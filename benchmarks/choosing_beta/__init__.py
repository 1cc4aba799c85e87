"""Whether a beta that chooses itself does as well as the best of a grid."""

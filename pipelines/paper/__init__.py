"""The controlled experiments of the paper, as a separate pipeline."""

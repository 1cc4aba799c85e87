"""The controlled experiments of the paper, as a pipeline of their own."""

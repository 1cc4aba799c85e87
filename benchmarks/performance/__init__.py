"""Speed and memory beside a rival, one file per subject."""

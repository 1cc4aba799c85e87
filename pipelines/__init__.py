"""One thin script per DVC stage: read a section of params.yaml, call mibsk, write outputs."""

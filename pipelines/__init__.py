"""One script per DVC stage, which reads its section of params.yaml and calls mibsk."""

"""Every objective on real data with three and more modalities, on equal terms."""

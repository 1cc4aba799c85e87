"""The data of Displays: estimators, embeddings, fractions and histories, checked and computed."""

"""Packaging: the model as MLflow loads it, with its export, its decision and the code that answers."""

"""Exports of the trained model for machines without Keras."""

"""Inference: estimates of a model for photos, and the maps that explain them."""

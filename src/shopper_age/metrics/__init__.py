"""Metrics of estimates: arrays in, numbers and tables out."""

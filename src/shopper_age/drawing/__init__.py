"""Cartoon portraits: what an age looks like, and how it is painted."""

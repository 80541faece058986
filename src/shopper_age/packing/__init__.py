"""Packing of training folders into shards."""

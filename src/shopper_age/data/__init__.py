"""Tables of faces, and photos as batches."""

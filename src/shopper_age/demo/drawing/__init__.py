"""Drawing of a cartoon face of a given age."""

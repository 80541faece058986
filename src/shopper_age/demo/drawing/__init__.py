"""Drawing of a cartoon portrait of a person of a given age."""

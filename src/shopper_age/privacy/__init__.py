"""Photos of a person who wants to be forgotten: removed, and all that knew them named."""

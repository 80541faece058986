"""Demo photos: drawn faces with ages, in the format of real photos."""

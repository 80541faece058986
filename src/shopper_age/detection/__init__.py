"""Faces on photos: finding, aligning, cropping and grading them."""

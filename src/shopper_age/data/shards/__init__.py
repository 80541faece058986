"""Photos packed into shards: tar files in WebDataset's layout, with an index and a manifest."""

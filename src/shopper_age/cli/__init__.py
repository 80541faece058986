"""The command line: `shopper-age`."""

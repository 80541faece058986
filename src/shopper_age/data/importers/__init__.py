"""Importers of public sets of face photos with ages; only the command `shopper-age import` uses them."""

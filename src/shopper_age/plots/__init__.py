"""Matplotlib figures of tables; nothing is computed here."""

"""The pages of exchange accounts."""

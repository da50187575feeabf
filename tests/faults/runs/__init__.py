"""Seeded random runs: 20 bots of all five kinds on two accounts, and everything that can go wrong.

Orders go through the real gateway and the unmodified ccxt to the test exchange, over a local wire. Prices
and time are the run's own, so that an hour of a market takes a second.
"""

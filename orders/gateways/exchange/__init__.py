"""Real exchanges through ccxt, which nothing outside this folder knows.

`adapters` says how each exchange is spoken to; `client` opens a ccxt instance that records what it was
answered; `answers` decides what an answer proves; `gateway` and `venue` are what the engine and the pages
use. Every method of a client goes through `client.ask`, one at a time.
"""

"""What real exchanges tell by themselves, through ccxt.pro: the second place that knows ccxt.

`listening.py` runs everything in one event loop of a thread of its own. Each connection has a ccxt.pro
instance of its own (`spoken.py`), which is opened again and again (`kept.py`): for some markets' prices
(`market.py`) or for one account's orders (`account.py`). What cannot be is dropped and counted (`drops.py`).
"""

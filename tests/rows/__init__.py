"""The fault matrix, row by row.

A test marked `row(n)` injects the fault of row n, heals, lets things come to rest within a deadline, and
compares the exchange's own books with ours under every invariant (`tests/gateways/exchange/books.py`). Rows
1–4, 13–16, 32, 33, 35–37, 45, 48, 49, 51 and 52 stand with the gateways, and some are shown in other places
too: the mark, or the number that a test's name begins with, says where. Rows 24 and 38 are about pages and
candles, which the exchange has no books of. Here:

| rows | file | what fails |
|---|---|---|
| 5–9 | `test_deaths.py` | the process, at any statement and on either side of the wire |
| 10, 12, 17 | `test_tellings.py` | what the exchange tells comes early, twice, backwards, or in part |
| 10–12 | `test_streams.py` | the same of its streams |
| 18–21 | `test_workers.py` | two workers, one that slept, bells that ring twice or not at all |
| 18, 19 | `test_sleeping.py` | a worker stopped as a process, with another beside it |
| 22, 23 | `test_redis.py` | the cache comes back empty, or is away (24: `tests/live/`) |
| 25, 26 | `test_postgres.py` | the database's server crashes, and stays away |
| 25, 27, 29 | `test_database.py` | a connection cut, a commit not heard of; locked, full, read-only |
| 30, 31 | `test_clocks.py` | clocks that jump, and requests out of their time |
| 34 | `test_storms.py` | an exchange that answers everything with an error |
| 38–40 | `test_market_news.py` | candles and prices that cannot be |
| 41, 42 | `test_market_rules.py` | other rules than those we know; a market that is closed |
| 43, 44 | `test_keys.py` | a key that is refused, or may withdraw |
| 46, 47, 50, 53 | `test_strangers.py` | others on the same account, and ids used twice |
| 54 | `test_protection.py` | a target that fills while it is cancelled for a stop |
| 5–7, 54 | `test_protected_again.py` | the platform, while a stop is due |
| 55 | `test_killing_in_storm.py` | the kill switch, pressed while nothing is answered |
| 56–58 | `test_changes.py` | old and new code, other settings, a memory that is broken |
| 59 | `test_poison.py` | a strategy that fails, or never ends |

`tests/architecture/test_rows.py` asks that every row is shown by some test.
"""

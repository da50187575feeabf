"""The exchange as a process: `python -m tests.exchange --port 0 --symbols BTCUSDT,ETHUSDT --walk 0.5`.

Prints one line of JSON, `{"url": …, "control": …}`, and serves until SIGINT or SIGTERM.
"""

import argparse
import asyncio
import json
import random
import signal
import sys

from tests.exchange.control import Control
from tests.exchange.server import HOST, Server
from tests.exchange.symbols import SYMBOLS
from tests.exchange.venue import Venue

WALK_TICKS = 20


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.exchange")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument(
        "--symbols", default="", help="of the known ones, separated by commas; all by default"
    )
    parser.add_argument("--seed", type=int, default=1, help="the first id, and the way of the walk")
    parser.add_argument("--fills-on", choices=("touch", "through"), default="touch")
    parser.add_argument("--walk", type=float, default=0, metavar="SECONDS", help="prices move this often")
    return parser.parse_args()


async def walk(venue: Venue, seconds: float, seed: int) -> None:
    """Moves every price by a few ticks, again and again."""
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(seconds)
        for name, market in venue.ledger.markets.items():
            steps = chance.randint(-WALK_TICKS, WALK_TICKS)
            venue.ledger.move(name, max(market.tick_size * 2, market.price + steps * market.tick_size))


async def serve(asked: argparse.Namespace) -> None:
    names = set(filter(None, asked.symbols.split(","))) or {symbol.name for symbol in SYMBOLS}
    venue = Venue(
        symbols={symbol: price for symbol, price in SYMBOLS.items() if symbol.name in names},
        first_id=asked.seed,
        fills_on=asked.fills_on,
    )
    server = Server(venue)
    port = await server.start(asked.port)
    control = await server.listen(Control(venue).app(), asked.control_port)
    told = {"url": f"http://{HOST}:{port}", "control": f"http://{HOST}:{control}"}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    walking = asyncio.create_task(walk(venue, asked.walk, asked.seed)) if asked.walk else None
    await stopping.wait()
    if walking is not None:
        walking.cancel()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))

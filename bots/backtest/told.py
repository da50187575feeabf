"""An outcome as JSON carries it: amounts are decimal strings, ratios numbers, what is unknown null."""

from decimal import Decimal
from typing import Any

import msgspec

from bots.backtest.outcome import Outcome
from bots.backtest.record import Deal, Mark
from bots.strategies.settings import Problem
from orders.accounting import Fill, money
from tradingbot.clock import moment_of


def told_of(outcome: Outcome, *, rows: bool = True) -> dict[str, Any]:
    """`rows`: with every trade, deal and mark of equity, not the sums alone."""
    record, inputs, request = outcome.record, outcome.inputs, outcome.request
    told: dict[str, Any] = {
        "ok": True,
        "bot_type": request.bot_type,
        "settings": inputs.settings.model_dump(mode="json"),
        "market": plain(_dumped(record.market)),
        "candles": {
            "count": len(inputs.tape) - inputs.first,
            "timeframe": inputs.timeframe,
            "since": iso(record.since),
            "until": iso(record.until),
            "missing": inputs.gaps,
        },
        "terms": plain(
            {
                "slippage_pct": request.slippage_pct,
                "spread_bps": request.spread,
                "pessimistic": request.pessimistic,
            }
        ),
        "remarks": remarks_of(outcome),
        "stopped": outcome.stopped,
        "decisions": outcome.decisions,
        "figures": plain(dict(outcome.figures)),
        "position": plain(_dumped(outcome.position)),
        "start_equity": plain(record.start_equity),
        "end_equity": plain(record.end_equity),
        "statistics": plain(_dumped(outcome.statistics)),
        "benchmark": [plain(_dumped(one)) for one in outcome.yardsticks],
        "phases_s": {name: round(seconds, 6) for name, seconds in outcome.phases.items()},
    }
    if rows:
        fills = zip(record.fills, record.makers, record.pnls, strict=True)
        told["trades"] = [_trade(*row) for row in fills]
        told["deals"] = [_deal(deal) for deal in record.deals]
        told["equity"] = [_mark(mark) for mark in record.daily]
    return told


def refused_of(problems: tuple[Problem, ...]) -> dict[str, Any]:
    found = [
        {"code": one.code, "field": one.field, "message": one.message, "fix": one.fix} for one in problems
    ]
    return {"ok": False, "problems": found}


def remarks_of(outcome: Outcome) -> list[str]:
    """What a reader should know before the numbers, one sentence each."""
    inputs, request = outcome.inputs, outcome.request
    settings: Any = inputs.settings
    remarks = []
    if getattr(settings, "captures_spread", False):
        remarks.append(
            "Spread capture lives on a book that candles do not hold: this result is unreliable. It re-quotes"
            " before the smooth walk within a candle can reach its bid, so it trades on gaps only."
        )
    if inputs.gaps:
        remarks.append(f"{inputs.gaps:,} candles are missing; --fill-gaps puts flat ones there.")
    if not outcome.record.fills:
        remarks.append("The bot never traded.")
    if outcome.stopped:
        remarks.append(f"The bot stopped before the end. {outcome.stopped}")
    if request.listed is None and request.rules.tick is None:
        tick = outcome.record.market.tick
        remarks.append(
            f"The price step {tick:f} was read off the candles; --tick and --lot set the market's own."
        )
    return remarks


def iso(ms: int) -> str:
    return moment_of(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """Decimals as strings without an exponent, whatever they are nested in."""
    if isinstance(value, Decimal):
        return f"{money(value).normalize():f}"
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def _trade(fill: Fill, maker: bool, pnl: Decimal) -> dict[str, Any]:
    return {
        "at": iso(fill.at),
        "slot": fill.slot,
        "side": fill.side,
        "amount": plain(fill.amount),
        "price": plain(fill.price),
        "fee_quote": plain(fill.fee_quote),
        "fee_base": plain(fill.fee_base),
        "maker": maker,
        "pnl": plain(pnl),
    }


def _deal(deal: Deal) -> dict[str, Any]:
    return {
        "number": deal.number,
        "opened_at": iso(deal.opened_at),
        "closed_at": None if deal.closed_at is None else iso(deal.closed_at),
        "pnl": plain(deal.pnl),
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {"at": iso(mark.at), "equity": plain(mark.equity)}


def _dumped(one: object) -> Any:
    return msgspec.to_builtins(one, builtin_types=(Decimal,))

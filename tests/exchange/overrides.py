"""Where ccxt finds each part of the exchange: its `urls`, every one of them replaced."""

from typing import Any

FUTURES = ("fapi", "dapi", "eapi")
# ccxt takes a stream for a spot stream by "/stream" in its address, which Binance's host name has.
STREAMS = "/stream.binance"


def overrides(url: str) -> dict[str, Any]:
    """`urls` for the constructor of ccxt's binance, so that nothing can reach the real one."""
    api: dict[str, Any] = {"public": f"{url}/api/v3", "private": f"{url}/api/v3", "v1": f"{url}/api/v1"}
    for version, name in enumerate(("sapi", "sapiV2", "sapiV3", "sapiV4"), start=1):
        api[name] = f"{url}/sapi/v{version}"
    for name in FUTURES:
        for access in ("Public", "Private"):
            api[name + access] = f"{url}/{name}/v1"
            for version in (2, 3):
                api[f"{name}{access}V{version}"] = f"{url}/{name}/v{version}"
        api[f"{name}Data"] = f"{url}/futures/data"
    api |= {"papi": f"{url}/papi/v1", "papiV2": f"{url}/papi/v2"}
    streams = url.replace("http", "ws", 1)
    api["ws"] = dict.fromkeys(
        ("spot", "margin", "linear", "inverse", "stock", "option", "optionMarket", "optionPrivate", "papi"),
        f"{streams}{STREAMS}/ws",
    )
    api["ws"]["ws-api"] = dict.fromkeys(("spot", "linear", "inverse"), f"{streams}/ws-api/v3")
    return {"urls": {"api": api}}

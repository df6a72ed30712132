"""The headings that exports of prices carry, in the languages and spellings seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Headings, small letters and digits only; of several the first found counts.
DATE = (
    *("date", "data", "datum", "fecha", "day", "datetime", "timestamp", "tradedate", "quotedate"),
    "time",
)
TICKER = ("ticker", "symbol", "tickersymbol", "stock", "stocksymbol", "isin", "code", "name")
ADJUSTED = ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjclosingprice")
CLOSE = (
    *("close", "closelast", "closeprice", "closingprice", "lastclose", "prcclose"),
    *("zamkniecie", "schluss", "schlusskurs", "cierre", "cloture", "last", "price"),
)
VAGUE = ("last", "price")
"""No closes where other columns have names that only tickers can have."""

# What else such files have, so that "Low" of a file with "Close" is no ticker.
OTHER = (
    *("open", "high", "low", "volume", "vol", "openint", "openinterest", "per", "time", "change"),
    *("changepercent", "chg", "dividends", "dividendamount", "dividend", "stocksplits", "vwap"),
    *("splitcoefficient", "capitalgains", "otwarcie", "najwyzszy", "najnizszy", "wolumen"),
    *("currency", "exchange", "interval", "trades", "adjopen", "adjhigh", "adjlow", "adjvolume"),
)


def plain(heading: str) -> str:
    """ "adjclose" of "Adj. Close**", "ticker" of "<TICKER>"; pandas' "Unnamed: 0" is no name."""
    plain = re.sub(r"[\W_]+", "", heading.casefold())
    return "" if heading.startswith("Unnamed:") else plain


def first(headings: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the first of ``names`` stands that is among the headings."""
    return next((headings.index(name) for name in names if name in headings), None)

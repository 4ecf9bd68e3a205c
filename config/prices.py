"""The price list that ships with ecotui: what some kinds of resources cost while they exist."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from config.model import StrictStruct

PRICES_FILE = Path(__file__).with_name("prices.yaml")


class Price(StrictStruct, frozen=True):
    """One of the three is set."""

    hour: float = 0.0
    gib_month: float = 0.0
    month: float = 0.0


class PriceList(StrictStruct, frozen=True):
    """Prices by region and by what is billed: `nat-gateway`, `volume.gp3`."""

    list: str
    """What kind of prices they are, in words."""
    as_of: str
    """The day of the list."""
    currency: str
    hours: float
    """Hours of a month."""
    everywhere: dict[str, Price]
    """Of kinds that have no region."""
    regions: dict[str, dict[str, Price]]

    @property
    def source(self) -> str:
        return f"{self.list}, of {self.as_of}, without tax"

    def monthly_cost(self, item: str, region: str, quantity: float = 1.0) -> float | None:
        """What this quantity costs a month; None when the list does not say."""
        price = self.regions.get(region, {}).get(item) or self.everywhere.get(item)
        if price is None:
            return None
        return quantity * (price.month + price.gib_month + price.hour * self.hours)


@cache
def load_prices() -> PriceList:
    """The list, read once a process. YAML is imported here, not at start."""
    import yaml

    return msgspec.convert(yaml.safe_load(PRICES_FILE.read_text(encoding="utf-8")), type=PriceList)

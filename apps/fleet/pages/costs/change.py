"""Why a period did not cost what the period before did."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.fleet.costs import figures as cost_figures
from apps.fleet.pages import analysis, graphics
from apps.fleet.pages.analysis import Figure, Selection
from apps.fleet.pages.cells import Numbers, number
from apps.fleet.pages.costs.reading import Reading
from apps.fleet.pages.costs.words import amount, line_title, of_money, signed
from apps.fleet.pages.graphics import Step


def change(chosen: Selection, reading: Reading) -> dict[str, Any]:
    """The change against the period before as a waterfall, and by line."""
    before, now, currency = reading.before, reading.now, chosen.fleet.currency
    found = cost_figures.change_by_line((before.costs, before.totals), (now.costs, now.totals), currency)
    words = analysis.period_words(chosen.period.previous())
    if before.costs.total is None:
        return {"period": words, "figure": None}
    steps = _steps(chosen, found, before.costs.total, now.costs.total or Decimal(0))
    title = f"From {amount(before.costs.total, chosen)} to {amount(now.costs.total, chosen)}"
    parts = "; ".join(f"{step.name}: {step.text}" for step in steps)
    chart = graphics.waterfall("change", steps, title, f"{parts}. The parts add up to the change.")
    return {"period": words, "figure": Figure(chart, _change_table(chosen, found))}


def _steps(chosen: Selection, found: Mapping[str, Any], before: Decimal, now: Decimal) -> list[Step]:
    """Before, the parts of the change, now. What cannot be split is a part of its own, so that they add up."""
    unit = chosen.distance_word
    of_fuel = next((each for each in found["by_line"] if each["line"] == "fuel"), None)
    fuel_price = of_money(of_fuel["price"]) if of_fuel else None
    all_prices = of_money(found["price"])
    parts = {
        "Distance": of_money(found["distance"]),
        f"Fuel used per {unit}": of_money(found["consumption"]),
        "Price of fuel": fuel_price,
        f"Other costs per {unit}": None if all_prices is None else all_prices - (fuel_price or 0),
    }
    parts["New, gone or not comparable"] = of_money(found["not_split"]) or None
    steps = [Step("Period before", float(before), amount(before, chosen), is_level=True)]
    steps += [Step(name, float(part), signed(part, chosen)) for name, part in parts.items() if part is not None]
    return [*steps, Step("This period", float(now), amount(now, chosen), is_level=True)]


def _change_table(chosen: Selection, found: Mapping[str, Any]) -> Numbers:
    currency = chosen.fleet.currency
    parts = ("of price", "of distance", "of consumption", "not comparable")
    heads = ["Line", f"Before ({currency})", f"Change ({currency})", *parts]
    names = ("previous_amount", "change", "price", "distance", "consumption", "not_split")

    def cells(each: Mapping[str, Any]) -> list[str]:
        return [number(of_money(each[name]), 2) for name in names]

    rows = [[line_title(each["line"]), *cells(each)] for each in found["by_line"]]
    return Numbers(heads, rows, ["All lines", *cells(found)], caption="Change by line, and what it is due to")

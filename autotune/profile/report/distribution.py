"""How many regrets are at most how large: an empirical distribution as a staircase; inline SVG, as in `chart`.

Knows nothing of records or workloads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ... import quantity
from . import axes
from .chart import LEFT, RIGHT, WIDTH, svg
from .markup import Html, number, tag

HEIGHT, TOP, BOTTOM = 250.0, 14.0, 50.0
#: The smallest regret that has a place of its own: less is within what the timer tells apart.
LEAST = 1e-3


def staircase(regrets: Sequence[float], allowed: float, label: str) -> Html | None:
    """The share of sizes whose regret is at most what stands below."""
    known = sorted(max(LEAST, regret) for regret in regrets if math.isfinite(regret))
    if not known:
        return None
    across = axes.spanning([math.log10(LEAST), math.log10(max(known[-1], 0.3))], LEFT, WIDTH - RIGHT, margin=0.02)
    assert across is not None
    low, high = HEIGHT - BOTTOM, TOP

    def up(share: float) -> float:
        return low - share * (low - high)

    path = [f"M{number(across.start)} {number(up(0.0))}"]
    for index, regret in enumerate(known, 1):
        if index == len(known) or known[index] > regret:
            path.append(f"H{number(across.place(math.log10(regret)))}V{number(up(index / len(known)))}")
    path.append(f"H{number(across.end)}")
    ticks = [tick for tick in across.ticks() if tick.label]
    within = sum(regret <= allowed for regret in known) / len(known)
    at = across.place(math.log10(allowed))
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    return svg(
        label,
        HEIGHT,
        tag(
            "path",
            class_="grid",
            d="".join(
                [f"M{number(across.start)} {number(up(share))}H{number(across.end)}" for share in shares]
                + [f"M{number(across.place(tick.at))} {number(high)}V{number(low)}" for tick in ticks]
            ),
        ),
        tag(
            "g",
            [tag("text", quantity.percent(share), x=across.start - 8, y=up(share) + 4, text_anchor="end")
             for share in shares],
            [tag("text", quantity.percent(10**tick.at), x=across.place(tick.at), y=low + 17, text_anchor="middle")
             for tick in ticks],
            class_="ticks",
        ),
        tag("path", class_="allowed", d=f"M{number(at)} {number(high)}V{number(low)}"),
        tag("g", tag("path", class_="line", d="".join(path)), class_="s1"),
        tag("text", f"{quantity.share(within)} of the sizes", class_="name", x=across.end + 8, y=up(within) + 4),
        tag("text", f"within {quantity.percent(allowed)}", class_="name muted", x=across.end + 8, y=up(within) + 19),
        tag("text", "regret at most", class_="axis", x=(across.start + across.end) / 2, y=low + 38,
            text_anchor="middle"),
        tag("text", "share of sizes", class_="axis", text_anchor="middle",
            transform=f"translate(13 {(low + high) / 2:.0f}) rotate(-90)"),
    )  # fmt: skip

"""The style sheet of a report: light, dark, narrow and on paper; nothing is fetched from anywhere.

Colours of charts are those of M. Okabe and K. Ito (Color Universal Design, 2008), which people who cannot tell red
from green tell apart; on each background those come first that stand out from it (WCAG 2.2, 1.4.11). Knows nothing of
what is shown.
"""

from __future__ import annotations

#: What the page may load: nothing but its own style sheet; no script runs, whatever a name may hold.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

CSS = """
:root {
  color-scheme: light dark;
  --bg: #fff; --fg: #1c2126; --muted: #5a6570; --line: #dce1e6; --faint: #edf0f3; --soft: #f6f8fa; --accent: #0072b2;
  --c0: #1c2126; --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #cc79a7; --c5: #e69f00; --c6: #56b4e9;
  --c7: #8a949e; --warn: #d55e00; --hist: #0072b2; --gain: #e69f00; --slow: #9fb8c8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #14171a; --fg: #e7eaed; --muted: #9ea8b2; --line: #343b42; --faint: #23282d; --soft: #1b1f23;
    --accent: #56b4e9;
    --c0: #e7eaed; --c1: #56b4e9; --c2: #e69f00; --c3: #009e73; --c4: #cc79a7; --c5: #f0e442; --c6: #0072b2;
    --c7: #7d8791; --warn: #e69f00; --hist: #56b4e9; --gain: #e69f00;
    --slow: #4d6473;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: var(--bg); color: var(--fg);
  font: 400 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, h3, h4 { line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; scroll-margin-top: 1rem; }
h1 { font-size: 1.9rem; margin: 0 0 0.3rem; }
h2 { font-size: 1.35rem; margin: 3.2rem 0 0.6rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.12rem; margin: 2.2rem 0 0.3rem; }
h4 { font-size: 0.95rem; margin: 1.6rem 0 0.3rem; }
p { margin: 0.4rem 0 0.9rem; max-width: 46rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
code { font: 0.875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.command { background: var(--soft); border: 1px solid var(--faint); border-radius: 4px; padding: 0.1em 0.4em;
  display: inline-block; max-width: 100%; overflow-x: auto; white-space: nowrap; vertical-align: bottom; }
.lead, .muted, .caption, figcaption { color: var(--muted); }
.lead { font-size: 1.02rem; margin: 0; }
.small, .caption, figcaption { font-size: 0.86rem; }
.module { font-weight: 400; color: var(--muted); font-size: 0.86rem; letter-spacing: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.3rem, 1fr)); gap: 1px; margin: 1.6rem 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.tiles div { background: var(--bg); padding: 0.85rem 0.9rem 0.8rem; }
.tiles dt { color: var(--muted); font-size: 0.8rem; }
.tiles dd { margin: 0.1rem 0 0; font-size: 1.45rem; font-weight: 600; letter-spacing: -0.02em; line-height: 1.2; }
.tiles dd + dd { font-size: 0.8rem; font-weight: 400; color: var(--muted); letter-spacing: 0; margin-top: 0.2rem; }
.advice { margin: 1.2rem 0; padding: 0; list-style: none; }
.advice li { padding: 0.5rem 0 0.5rem 1rem; border-left: 3px solid var(--accent); margin: 0.5rem 0; max-width: 50rem; }
.advice li.warn { border-color: var(--warn); }
nav { margin: 1.6rem 0 0; font-size: 0.92rem; }
nav ol { margin: 0.3rem 0 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.4rem; }
nav .inner { gap: 0.1rem 1rem; font-size: 0.86rem; margin-bottom: 0.4rem; }
.wide { overflow-x: auto; margin: 0.8rem 0 1.2rem; }
table { border-collapse: collapse; font-size: 0.86rem; line-height: 1.4; min-width: 100%; }
caption { text-align: left; color: var(--muted); padding-bottom: 0.3rem; }
th, td { padding: 0.38rem 0.9rem 0.38rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; color: var(--muted); border-bottom: 1px solid var(--line); vertical-align: bottom;
  white-space: nowrap; font-size: 0.8rem; }
tbody th { white-space: nowrap; }
tbody td, tbody th { border-bottom: 1px solid var(--faint); font-weight: 400; }
table.facts { min-width: 0; }
.facts td { max-width: 26rem; }
.r, .numbers td { text-align: right; white-space: nowrap; }
.numbers .l { text-align: left; white-space: normal; }
.name { font-weight: 600; }
td small, th small { color: var(--muted); font-size: 0.92em; display: block; }
.meter { white-space: nowrap; }
.meter i { display: block; height: 4px; margin-top: 4px; border-radius: 2px; background: var(--faint); }
.meter b { display: block; height: 4px; border-radius: 2px; background: var(--hist); width: var(--part); }
.gain { font-weight: 600; }
.key { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 2px; margin: 0 0.3em 0 0.1em; }
.key:not(:first-child) { margin-left: 1.1rem; }
.key.spent { background: var(--hist); } .key.could { background: var(--gain); }
.key.launch { background: var(--c7); }
.key.slow { background: var(--slow); }
figure { margin: 0.8rem 0 1rem; }
figure .wide { margin: 0; }
figcaption { max-width: 48rem; margin-top: 0.3rem; }
details { margin: 0.3rem 0 0.8rem; }
summary { cursor: pointer; color: var(--accent); font-size: 0.86rem; width: fit-content; }
.notes { font-size: 0.86rem; color: var(--muted); margin: 0.2rem 0 0.8rem; padding-left: 1.1rem; }
.kernel { content-visibility: auto; contain-intrinsic-size: auto 900px; }
pre { font: 0.82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-x: auto;
  margin: 0.4rem 0; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--muted);
  font-size: 0.82rem; }
.chart { display: block; width: 100%; min-width: 44rem; height: auto; font: 12px system-ui,
  -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--fg); }
.markers { position: absolute; width: 0; height: 0; }
.line, .grid, .cut, .leader, .span, .allowed, .stem { fill: none; }
.chart .grid { stroke: var(--line); }
.chart .ticks text, .chart .axis, .chart .ribbonlabel, .chart .muted { fill: var(--muted); }
.chart .ribbonlabel, .chart .histlabel { font-size: 11px; }
.chart .name { font-weight: 500; } .chart .muted { font-weight: 400; }
.chart .hist { fill: var(--hist); opacity: 0.28; } .chart .histlabel { fill: var(--accent);
  paint-order: stroke; stroke: var(--bg); stroke-width: 3px; }
.chart .band { fill: var(--fg); opacity: 0.1; }
.chart .cut { stroke: var(--fg); stroke-width: 1; stroke-dasharray: 1 3; }
.chart .leader { stroke: var(--c7); stroke-width: 0.6; opacity: 0.7; }
.met, .halo { fill: none; stroke: var(--fg); stroke-width: 2; stroke-linecap: round; }
.halo { stroke: var(--bg); stroke-width: 4.5; }
.cross { font-weight: 700; color: var(--fg); }
.areas { opacity: 0.32; } .swatch { opacity: 0.32; }
.called { fill: var(--fg); fill-opacity: 0.12; stroke: var(--fg); stroke-width: 1.3; }
.chart .value { fill: var(--muted); }
.chart a .rowname { fill: var(--fg); } .chart a:hover .rowname { fill: var(--accent); }
.chart .spent { fill: var(--hist); } .chart .could { fill: var(--gain); } .chart .launch { fill: var(--c7); }
.chart .slow { fill: var(--slow); }
.chart .span { stroke: var(--c7); stroke-width: 2; stroke-linecap: round; } .chart .dot { fill: var(--accent); }
.chart .pin { stroke: var(--c1); } .chart .pin .head { fill: var(--c1); }
.chart .pin.over { stroke: var(--warn); } .chart .pin.over .head { fill: var(--warn); }
.chart .pin .head { stroke: var(--bg); stroke-width: 0.8; }
.chart .allowed { stroke: var(--muted); stroke-dasharray: 5 3; }
.chart .line { stroke-width: 2; } .chart .lost .line { stroke-width: 1.1; }
"""

#: Dashes of the lines, by style; the reference and the first winner are solid.
DASHES = ("none", "none", "8 3", "2 3", "9 3 2 3", "14 3", "5 2 1 2 1 2", "3 2")

STYLES = "\n".join(
    f".s{index} {{ fill: var(--c{index}); stroke: var(--bg); stroke-width: 0.7; }} "
    f".s{index} .weak {{ fill: var(--bg); stroke: var(--c{index}); stroke-width: 1.2; }} "
    f".s{index} .line {{ stroke: var(--c{index}); stroke-dasharray: {dash}; }} "
    f".f{index} {{ fill: var(--c{index}); }}"
    for index, dash in enumerate(DASHES)
)

SMALL = """
@media (max-width: 44rem) {
  body { padding: 1.2rem 1rem 3rem; font-size: 15px; }
  h1 { font-size: 1.5rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .tiles dd { font-size: 1.2rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root {
    --bg: #fff; --fg: #000; --muted: #444; --line: #bbb; --faint: #e2e2e2; --soft: #fff; --accent: #00517f;
    --c0: #000; --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #cc79a7; --c5: #e69f00; --c6: #56b4e9; --c7: #777;
    --warn: #d55e00; --hist: #0072b2; --gain: #e69f00; --slow: #9fb8c8;
  }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, details { display: none; }
  .kernel { content-visibility: visible; }
  .chart { min-width: 0; max-width: 100%; }
  .wide { overflow: visible; }
  h2, h3, h4 { break-after: avoid; }
  figure, tr, .tiles, .advice li { break-inside: avoid; }
  a { color: inherit; }
}
"""


def sheet() -> str:
    """All of it."""
    return CSS + STYLES + SMALL

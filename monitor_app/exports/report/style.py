# SPDX-License-Identifier: Apache-2.0
"""How a report looks on a screen and on paper."""

from __future__ import annotations

from monitor_app.charts.palette import PALETTES

_COLOURS = PALETTES["light"]

STYLE = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 68rem; padding: 0 1.5rem 4rem; background: {_COLOURS.ground}; color: {_COLOURS.text};
  font: 16px/1.5 Inter, "Noto Sans", "DejaVu Sans", "Liberation Sans", sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 2.5rem 0 .2rem; }}
h2 {{ font-size: 1.35rem; margin: 3rem 0 .8rem; }}
h3 {{ font-size: 1.05rem; margin: 1.6rem 0 .4rem; }}
h4 {{ font-size: 1rem; margin: 0 0 .3rem; }}
p {{ margin: .4rem 0; }}
a {{ color: {_COLOURS.latency}; }}
header p, footer, .dim {{ color: {_COLOURS.dim}; }}
nav a {{ margin-right: 1.2rem; white-space: nowrap; }}
ul {{ margin: .4rem 0; padding-left: 1.2rem; }}
li {{ margin: .3rem 0; }}
.dim, figcaption, details {{ font-size: .9rem; }}
.band {{ position: sticky; top: 0; z-index: 1; margin: 0 -1.5rem; padding: .4rem 1.5rem; background: {_COLOURS.alarm};
  color: {_COLOURS.ground}; }}
.band .stamp {{ background: none; padding-left: 0; }}
.stamp {{ background: {_COLOURS.alarm}; color: {_COLOURS.ground}; font-weight: 700; font-size: .75rem;
  padding: .1rem .4rem;
  border-radius: .2rem; white-space: nowrap; }}
.flags {{ border-left: .3rem solid {_COLOURS.alarm}; padding: .3rem 0 .3rem 1rem; margin: 1rem 0;
  color: {_COLOURS.alarm}; }}
.numbers {{ display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; margin: 1.5rem 0; }}
.numbers > div {{ flex: 0 1 17rem; }}
.value {{ font-size: 1.7rem; font-weight: 300; line-height: 1.3; }}
.unit {{ font-size: .9rem; color: {_COLOURS.dim}; white-space: nowrap; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; overflow-wrap: normal; }}
th, td {{ padding: .22rem .7rem; text-align: left; vertical-align: top; font-weight: 400; }}
.facts {{ margin: .4rem 0; }}
.facts th {{ color: {_COLOURS.dim}; padding-left: 0; white-space: nowrap; }}
.facts td {{ overflow-wrap: anywhere; }}
.cells {{ width: 100%; }}
.cells th {{ color: {_COLOURS.dim}; border-bottom: 1px solid {_COLOURS.line}; }}
.cells th, .cells td {{ text-align: right; white-space: nowrap; }}
.cells th:first-child, .cells td:first-child {{ text-align: left; padding-left: 0; }}
.cells tbody tr:nth-child(even) {{ background: {_COLOURS.panel}; }}
.cells .sim td:last-child {{ color: {_COLOURS.alarm}; font-weight: 700; }}
figure {{ margin: 2rem 0; }}
figure svg {{ display: block; width: 100%; height: auto; }}
figcaption {{ margin-top: .4rem; max-width: 52rem; }}
article {{ margin: 1.6rem 0; padding-left: 1rem; border-left: .3rem solid {_COLOURS.line}; }}
.verdict {{ font-weight: 700; margin-right: .4rem; }}
.holds {{ color: {_COLOURS.accuracy}; }}
.fails {{ color: {_COLOURS.alarm}; }}
.open {{ color: {_COLOURS.dim}; }}
.caution {{ color: {_COLOURS.power}; }}
pre {{ background: {_COLOURS.panel}; padding: 1rem; overflow-x: auto;
  font: .85rem/1.45 "DejaVu Sans Mono", monospace; }}
summary {{ cursor: pointer; margin: .6rem 0; }}
footer {{ margin-top: 4rem; font-size: .9rem; }}
@media print {{
  @page {{ margin: 16mm 14mm; }}
  body {{ max-width: none; padding: 0; font-size: 10pt; background: #fff; }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  .band {{ position: static; margin: 0; }}
  nav {{ display: none; }}
  figure, article, tr, .numbers > div, .flags {{ break-inside: avoid; }}
  h2, h3, h4 {{ break-after: avoid; }}
  thead {{ display: table-header-group; }}
  .wide, pre {{ overflow: visible; }}
  pre {{ white-space: pre-wrap; }}
  .cells {{ font-size: 7.5pt; }}
  .cells th, .cells td {{ padding: .15rem .35rem; }}
}}
"""

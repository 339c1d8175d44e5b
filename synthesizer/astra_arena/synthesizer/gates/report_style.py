"""The style of the report page; light and dark follow the reader's system."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --faint: #60646c; --line: #e0e1e6;
  --raised: #f7f7f9; --good: #1b7a43; --bad: #b3261e; --mixed: #8a5a00; --bar: #4a7fd6; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #edeef0; --faint: #9ba1a9;
  --line: #33373d; --raised: #1f2227; --good: #57c98a; --bad: #f2877f; --mixed: #e2b35a;
  --bar: #6f9fe8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
h3 { font-size: .95rem; margin: 0 0 .35rem; font-weight: 600; }
small, dt { color: var(--faint); }
code { font-size: .85em; overflow-wrap: anywhere; }
.verdict { display: inline-block; margin: 0 0 1rem; padding: .2rem .8rem; border-radius: 1rem;
  border: 1px solid currentColor; font-weight: 600; }
.good, .passed { color: var(--good); } .bad, .failed { color: var(--bad); }
.mixed { color: var(--mixed); } .not_applicable { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem;
  margin: 0 0 1rem; }
.tiles div { background: var(--raised); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .9rem; }
dt { font-size: .85rem; } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.problems { border-left: 3px solid var(--bad); margin: 0 0 1rem; padding: .25rem 0 .25rem 1.75rem;
  overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--faint); font-weight: 600; font-size: .85rem; white-space: nowrap; }
tbody td { overflow-wrap: anywhere; }
tbody td:first-child { overflow-wrap: break-word; min-width: 6.5rem; }
.digests { font-size: .85rem; } .digests th { color: var(--faint); font-weight: 400; width: 8rem; }
.wide { overflow-x: auto; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { white-space: nowrap; font-weight: 600; }
.figures { font-size: .85rem; } .figures span { color: var(--faint); }
.figures span::after { content: ":"; }
.spreads { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: 1.5rem 2.5rem; align-items: start; }
.spreads th { font-weight: 400; overflow-wrap: anywhere; max-width: 11rem; }
.bar { width: 35%; } .bar i { display: block; height: .7rem; margin-top: .4rem;
  background: var(--bar); border-radius: .2rem; min-width: 1px; }
@media print { main { max-width: none; } .wide { overflow: visible; } }
"""

#pragma once

namespace lockstep::observe {

/// The look of the report, light and dark, for wide screens and phones. It names nothing outside the page.
inline constexpr const char* kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #e3e6ea; --text: #1b2026; --soft: #69727d;
  --good: #18794e; --bad: #c2362b;
  --c0: #2f6fde; --c1: #e0762a; --c2: #2b9e6b; --c3: #9a5bd0; --c4: #d04a7c; --c5: #17a2b8; --c6: #b59a1a; --c7: #7d8794;
  --c8: #8c6d4f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101418; --card: #191f25; --line: #2c343c; --text: #e7ebef; --soft: #97a2ad;
    --good: #4cc38a; --bad: #ff7b6e;
    --c0: #6aa1ff; --c1: #ff9d5c; --c2: #58cf98; --c3: #c191f2; --c4: #f580ab; --c5: #4fd0e3; --c6: #dcc252; --c7: #8f9aa6;
    --c8: #c2a07e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0 0 4px; font-size: 28px; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 36px 0 12px; font-size: 18px; }
p { margin: 0; }
.outcome { font-size: 17px; color: var(--soft); overflow-wrap: anywhere; }
.outcome b { font-weight: 600; color: var(--text); }
.outcome.finished b { color: var(--good); }
.outcome.failed b { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: 12px; margin-top: 24px; }
.card, .tile, .chart, .example { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.card { padding: 16px; overflow-x: auto; }
.tile { padding: 14px 16px; }
.tile b { display: block; font-size: 24px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.chart { margin: 0; padding: 14px 16px 8px; }
.chart figcaption { font-weight: 600; margin-bottom: 6px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart text { fill: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
.curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.dot { fill: var(--c); }
.faint { opacity: 0.35; }
.curve.faint { stroke-width: 1; }
.key { margin-left: 14px; color: var(--soft); font-size: 13px; font-weight: 400; white-space: nowrap; }
.swatch { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 3px; background: var(--c); }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
.c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); } .c8 { --c: var(--c8); }
.bar { display: flex; height: 28px; margin-bottom: 14px; border-radius: 8px; overflow: hidden; }
.bar i { background: var(--c); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-size: 13px; font-weight: 500; white-space: nowrap; }
th, td { padding: 6px 16px 6px 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:first-child > * { border-top: 0; }
.number { text-align: right; white-space: nowrap; }
.examples { display: grid; align-items: start; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 16px; }
.more { margin-top: 16px; }
.more summary { cursor: pointer; margin-bottom: 12px; }
.example { margin: 0; overflow: hidden; }
.example img { display: block; width: 100%; height: auto; }
.example figcaption { padding: 8px 14px; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
details summary { cursor: pointer; color: var(--soft); margin-bottom: 8px; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; }
)css";

}  // namespace lockstep::observe

"""Compares Lockstep with what else there is: all sides of a comparison are started and idle, one at a time runs a round,
and they take turns. Prints medians, the best, and ratios, as Markdown; --json FILE writes them down as well.

usage: compare.py --programs FOLDER [--rounds N] [--json FILE] [NAME...]
"""

import argparse
import datetime
import json
import pathlib
import platform
import statistics
import subprocess
import sys

from comparisons import COMPARISONS


class Side:
    """A process that runs a round for each "go" (protocol.py, protocol.h)."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.rounds = []
        if self._line() != "READY":
            raise SystemExit(f"{name} did not start: {' '.join(map(str, command))}")

    def _line(self):
        return self.process.stdout.readline().strip()

    def run_round(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self._line()
        if not line:
            raise SystemExit(f"{self.name} ended in the middle of a round")
        self.rounds.append(json.loads(line))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def values(self, figure):
        return [figures[figure] for figures in self.rounds if figure in figures]


def is_rate(figure):
    return figure.endswith(("per_second", "per_minute"))


def best(figure, values):
    return max(values) if is_rate(figure) else min(values)


def show(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def measure(comparison, programs, rounds):
    sides = [Side(name, [str(part).format(**programs) for part in command]) for name, command in comparison["sides"].items()]
    for number in range(rounds + 1):
        for side in sides:
            side.run_round()
            if number == 0:
                side.rounds.clear()  # the first round warms up
            else:
                print(f"  {number}/{rounds} {side.name}: {side.rounds[-1]}", file=sys.stderr, flush=True)
    for side in sides:
        side.stop()
    return sides


def summarise(comparison, sides):
    """The medians and the best by side and figure, and the ratios with their targets."""
    by_name = {side.name: side for side in sides}
    figures = {
        side.name: {
            figure: {"median": statistics.median(side.values(figure)), "best": best(figure, side.values(figure))}
            for figure in side.rounds[0]
        }
        for side in sides
    }
    ratios = []
    for ours, theirs, figure, target in comparison["ratios"]:
        pairs = zip(by_name[ours].values(figure), by_name[theirs].values(figure))
        ratio = statistics.median(one / other for one, other in pairs)
        ratios.append({"ours": ours, "theirs": theirs, "figure": figure, "ratio": ratio, "target": target})
    return {"figures": figures, "ratios": ratios}


def as_markdown(name, comparison, summary):
    sides = list(summary["figures"])
    rows = list(dict.fromkeys(figure for side in sides for figure in summary["figures"][side]))
    lines = [f"### {name}: {comparison['what']}", "", "| median (best) | " + " | ".join(sides) + " |"]
    lines.append("| --- |" + " ---: |" * len(sides))
    for row in rows:
        cells = []
        for side in sides:
            cell = summary["figures"][side].get(row)
            cells.append(f"{show(cell['median'])} ({show(cell['best'])})" if cell else "")
        lines.append(f"| {row.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines += ["", "| ratio (median over the rounds) | measured | target |", "| --- | ---: | ---: |"]
    for ratio in summary["ratios"]:
        what = f"{ratio['ours']} / {ratio['theirs']}, {ratio['figure'].replace('_', ' ')}"
        lines.append(f"| {what} | {ratio['ratio']:.3f} | {ratio['target']} |")
    return "\n".join(lines) + "\n"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True, help="the folder of the build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=list(COMPARISONS))
    arguments = parser.parse_args()
    here = pathlib.Path(__file__).resolve().parent
    programs = {"build": arguments.programs, "here": here, "root": here.parent, "python": sys.executable}

    report = {"date": datetime.date.today().isoformat(), "processor": processor(), "comparisons": {}}
    print(f"{report['date']}, {report['processor']}, {arguments.rounds} rounds\n")
    for name in arguments.names:
        if name not in COMPARISONS:
            raise SystemExit(f"there is no comparison {name}; there are {', '.join(COMPARISONS)}")
        comparison = COMPARISONS[name]
        summary = summarise(comparison, measure(comparison, programs, arguments.rounds))
        report["comparisons"][name] = summary
        print(as_markdown(name, comparison, summary), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

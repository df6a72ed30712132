"""One inference of our models in LiteRT, as it is and through pi-edge's Model, and in other
runtimes with the same weights: tflite-runtime, ONNX Runtime, PyTorch, ExecuTorch. All are loaded,
and measured in turn."""

from __future__ import annotations

import argparse
import sys

from bench_ending import exit_status

from bench_runtime.contest import BARE, OURS, PEERS, Row, measure
from pi_edge import catalog, config
from pi_edge.benchmark.table import number, table

MODELS = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn", "style")
COLUMNS = (
    ("", "model"),
    ("", "runtime"),
    ("p50", "us"),
    ("p99", "us"),
    ("LiteRT", "is"),
    ("import", "ms"),
    ("load", "ms"),
    ("first", "ms"),
    ("memory", "MB"),
    ("", "note"),
)


def main() -> int:
    args = _arguments()
    entries, _ = catalog.find(config.shipped_models())
    lines, most = [], 0.0
    for name in args.models or MODELS:
        _, file = catalog.pick(entries, name).file("float32")
        print(name, file=sys.stderr)
        rows = measure(file, args.peers, args.threads, args.rounds, args.seconds, _say)
        times = {row.runtime: row.percentile(50) for row in rows if row.rounds}
        if name != "style":  # whose own time strays by more
            most = max(most, times[OURS] - times[BARE])
        lines += [_line(name, row, times[BARE]) for row in rows]
    print(table(COLUMNS, lines))
    print(f"\nThrough Model an inference takes at most {most:.1f} us more at the median.")
    return 0


def _line(model: str, row: Row, bare: float) -> list[str]:
    if row.problem:
        return [model, row.runtime, *[""] * 7, row.problem]
    told, p50 = row.told, row.percentile(50)
    return [
        model,
        row.runtime,
        number(p50),
        number(row.percentile(99)),
        f"{p50 / bare:.2f}x",
        *(number(told[key]) for key in ("import_ms", "load_ms", "first_ms")),
        number(told["bytes"] / 1e6),
        "",
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench-runtime", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"these ({', '.join(MODELS)})")
    parser.add_argument(
        "--peers",
        type=lambda text: [name for name in text.split(",") if name],
        default=list(PEERS),
        metavar="NAME,...",
        help=f"which others ({','.join(PEERS)}; pytorch takes 6 GB of disk)",
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of one inference (1)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds (5)")
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="each runs in a round (1)"
    )
    args = parser.parse_args()
    for name in args.peers:
        if name not in PEERS:
            parser.error(f"--peers knows {', '.join(PEERS)}, not {name!r}")
    return args


if __name__ == "__main__":
    sys.exit(exit_status("bench-runtime", main))

"""What it took to train the digit networks, beside what others took for the same.

The figures are those that ``pi-edge train mnist`` measured and ``pi-edge convert mnist`` wrote into
each model.json; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pi_edge.benchmark.table import number, short, table
from pi_edge.catalog import Entry

# Peak memory of training the same network the usual way, bytes, as the notes of 2017-2018 give it
# that this project grew from. What machine, for how long and how measured they do not say.
PROGRAMS = ("Python TensorFlow", "TensorFlow.jl", "Flux")
NOTED: Mapping[str, Mapping[str, int]] = {
    "mnist-mlp": {"Flux": 2_000_000_000},
    "mnist-flux-cnn": {
        "Python TensorFlow": 400_000_000,
        "TensorFlow.jl": 600_000_000,
        "Flux": 2_600_000_000,
    },
}
NOTED_WHEN = "notes of 2017-2018"

COLUMNS = (
    ("", "model"),
    ("", "epochs"),
    ("time", "s"),
    ("peak", "MB"),
    ("training", "alone MB"),
    ("noted:", "Python TF MB"),
    ("", "TensorFlow.jl MB"),
    ("", "Flux MB"),
)
LEGEND = (
    "time: all epochs; peak: largest resident memory of the training process; training alone:\n"
    "that without importing TensorFlow; noted: peak memory of the same network in the "
    f"{NOTED_WHEN}\n"
    "that this project grew from, on machines they do not name (1 MB = 1,000,000 bytes)."
)


@dataclass(frozen=True)
class Training:
    """One network's training, as its model.json tells.

    Attributes:
        model: its name. network: what it is, in words. parameters: its weights.
        epochs: passes over the training images. seconds: wall time of all of them.
        peak_bytes: largest resident memory of the process.
        import_bytes: the same of a process that only imports TensorFlow.
        date: when it ended, ISO 8601. where: machine and TensorFlow's version, in words.
        noted: program -> peak bytes of the same network elsewhere (NOTED).
    """

    model: str
    network: str
    parameters: int
    epochs: int
    seconds: float
    peak_bytes: int
    import_bytes: int
    date: str
    where: str
    noted: Mapping[str, int]

    @property
    def own_bytes(self) -> int:
        """What training took beyond importing TensorFlow."""
        return max(self.peak_bytes - self.import_bytes, 0)


def collect(entries: Iterable[Entry]) -> list[Training]:
    """Every digit network whose model.json tells time and memory of its training, small ones
    first."""
    found = [_training(entry) for entry in entries if entry.task == "digits"]
    return sorted(filter(None, found), key=lambda one: (one.parameters, one.model))


def to_text(trainings: Sequence[Training]) -> str:
    """Title, table and legend; empty where there is nothing to tell."""
    if not trainings:
        return ""
    rows = [
        [
            short(one.model),
            str(one.epochs),
            number(one.seconds),
            number(one.peak_bytes / 1e6),
            number(one.own_bytes / 1e6),
            *(number(one.noted[name] / 1e6) if name in one.noted else "-" for name in PROGRAMS),
        ]
        for one in trainings
    ]
    title = "\n".join(["Training the digit networks:", *(f"  {line}" for line in where(trainings))])
    return f"{title}\n\n{table(COLUMNS, rows)}\n\n{LEGEND}"


def where(trainings: Sequence[Training]) -> list[str]:
    """On what machines, and when: one line a machine, naming the models where there are several."""
    machines: dict[str, list[Training]] = {}
    for one in trainings:
        machines.setdefault(one.where, []).append(one)
    lines = []
    for machine, here in machines.items():
        days = sorted({one.date[:10] for one in here})
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        names = f"{', '.join(one.model for one in here)}: " if len(machines) > 1 else ""
        lines.append(f"{names}{machine}, {when}")
    return lines


def elsewhere() -> str:
    """The notes' figures in one sentence's worth of words."""
    return "; ".join(
        f"{model}: " + ", ".join(f"{_size(count)} in {program}" for program, count in noted.items())
        for model, noted in NOTED.items()
    )


def _training(entry: Entry) -> Training | None:
    try:
        told = entry.info["trained"]
        machine, versions = told["machine"], told["versions"]
        return Training(
            model=entry.name,
            network=str(told["network"]),
            parameters=int(told["parameters"]),
            epochs=int(told["epochs"]),
            seconds=float(told["seconds"]),
            peak_bytes=int(told["memory"]["peak_bytes"]),
            import_bytes=int(told["memory"]["tensorflow_import_bytes"]),
            date=str(told["date"]),
            where=(
                f"{machine['processor']}, {machine['cores']} cores, {machine['architecture']},"
                f" {machine['system']}, TensorFlow {versions['tensorflow']}"
            ),
            noted=NOTED.get(entry.name, {}),
        )
    # A model of the owner's own may tell less, or something else: then there is nothing to show.
    except (KeyError, TypeError, ValueError):
        return None


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"

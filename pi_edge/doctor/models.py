"""The models: folders that can be read, files that are what model.json tells, none set aside."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from pi_edge import catalog, files
from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import CHECKOUT, Patient, owning, pi_edge_url, writing
from pi_edge.errors import PiEdgeError


def check_models(patient: Patient) -> Iterator[Finding]:
    """A line for each model that something is wrong with, one for the others."""
    shipped, owned = patient.settings.models, catalog.owned_models(patient.settings.state)
    unreadable = list(_folders(patient, shipped, owned))
    yield from unreadable
    if unreadable:
        return
    entries, problems = catalog.find(shipped, owned)
    if not entries and not problems:
        yield _none(patient)
        return
    for name, problem in problems.items():
        yield fail(f"{name}: {problem}", *_instead(patient, name, owned))
    wrong = set(problems)
    unfit = _set_aside(patient, entries)
    for name, entry in entries.items():
        if damaged := _damaged(patient, entry):
            wrong.add(name)
            yield fail(f"{name}: {damaged}", *_instead(patient, name, owned))
        elif name in unfit:
            wrong.add(name)
            yield fail(f"{name} is set aside: {unfit[name]}", *_away(patient, name, owned))
    fine = [entry for name, entry in entries.items() if name not in wrong]
    count = sum(len(entry.files) for entry in fine)
    if fine:
        yield ok(f"{len(fine)} models are what they should be, {count} files")


def _folders(patient: Patient, shipped: Path, owned: Path) -> Iterator[Finding]:
    if not shipped.is_dir():
        yield fail(f"there is no models folder {shipped}", *_folder_again(patient, shipped))
    for folder in (shipped, owned):
        try:
            if folder.is_dir() and patient.may(folder, os.R_OK | os.X_OK):
                continue
            missing = not folder.exists()
        except PermissionError:
            missing = False
        if missing:
            continue
        if patient.is_it or os.geteuid() == 0:
            command = _opening(folder)
            yield fail(f"the models folder {folder} cannot be read", command)
        else:
            yield warn(f"{folder} is not to be looked into by you", "sudo pi-edge doctor")


def _folder_again(patient: Patient, shipped: Path) -> tuple[str, str]:
    git = CHECKOUT / ".git"
    if shipped == CHECKOUT / "models" and git.exists():
        place = shlex.quote(str(CHECKOUT))
        return writing(CHECKOUT, f"git -C {place} checkout -- models"), ""
    if shipped != CHECKOUT / "models" and (CHECKOUT / "models").is_dir():
        return patient.setting("models", str(CHECKOUT / "models")), ""
    return "", "deploy again, from the laptop: scripts/deploy HOST"


def _none(patient: Patient) -> Finding:
    shipped = patient.settings.models
    return fail(f"there are no models in {shipped}", *_folder_again(patient, shipped))


def _damaged(patient: Patient, entry: catalog.Entry) -> str:
    """What is wrong with a model's files; "" if nothing."""
    told = entry.info.get("variants", {})
    folder = entry.files[entry.default].parent
    if denied := _denied(patient, folder if entry.info else entry.files[entry.default]):
        return f"{denied} may not be read by {patient.user}"
    for variant, file in entry.files.items():
        try:
            if (expected := told.get(variant, {}).get("sha256")) in (None, files.sha256(file)):
                continue
        except OSError as error:
            return f"{file} cannot be read ({error.strerror})"
        if isinstance(expected, str):
            return f"{file.name} is not the file that model.json tells of (sha256)"
    return ""


def _set_aside(patient: Patient, entries: Mapping[str, catalog.Entry]) -> dict[str, str]:
    """By model, why it does not serve: as the daemon says, else as it found when it last ran."""
    if patient.status is not None:
        return {
            name: str(told.get("reason") or "it does not run here")
            for name, told in patient.status.get("models", {}).items()
            if told.get("state") == "quarantined" and name in entries
        }
    from pi_edge import ledger

    state, unfit = patient.settings.state, {}
    if not os.access(state / ledger.FILE, os.R_OK | os.W_OK):
        return {}
    try:
        from pi_edge import proving
    except ImportError:  # NumPy is missing: that is told elsewhere
        return {}
    known = ledger.Ledger(state)
    with contextlib.closing(known):
        for name, entry in entries.items():
            for variant in entry.files:
                with contextlib.suppress(PiEdgeError):  # no runtime: that is told elsewhere
                    verdict = proving.verdict_of(known, entry, variant)
                    if verdict and verdict.reason:
                        unfit[name] = f"{variant}: {verdict.reason}"
    return unfit


def _instead(patient: Patient, name: str, owned: Path) -> tuple[str, str]:
    """The command that puts a whole model in the place of a damaged one, or takes it away."""
    found = [path for path in (owned / name, owned / f"{name}.tflite") if os.path.lexists(path)]
    if not found:
        return _shipped_again(patient, name)
    denied = _denied(patient, found[0])
    if denied is not None:
        return _opening(denied), ""
    kept = owned / ".previous"
    if (kept / name).exists() or (kept / f"{name}.tflite").exists():
        return patient.pi_edge(f"models rollback {shlex.quote(name)}", owned), ""
    if found[0].is_symlink():  # which models remove follows no more than anybody else
        return writing(owned, f"rm {shlex.quote(str(found[0]))}"), ""
    return patient.pi_edge(f"models remove {shlex.quote(name)}", owned), ""


def _opening(path: Path) -> str:
    return owning(path, f"chmod u+rwX,go+rX {shlex.quote(str(path))}")


def _denied(patient: Patient, path: Path) -> Path | None:
    """What of a model may not be read by who runs the daemon."""
    below = sorted(path.iterdir()) if path.is_dir() and os.access(path, os.R_OK | os.X_OK) else []
    for one in [path, *below]:
        needed = os.R_OK | os.X_OK if one.is_dir() else os.R_OK
        if one.exists() and not patient.may(one, needed):
            return one
    return None


def _shipped_again(patient: Patient, name: str) -> tuple[str, str]:
    folder = patient.settings.models / name
    if folder.parent == CHECKOUT / "models" and (CHECKOUT / ".git").exists():
        place = shlex.quote(str(CHECKOUT))
        return writing(CHECKOUT, f"git -C {place} checkout -- models/{shlex.quote(name)}"), ""
    return "", "deploy again, from the laptop: scripts/deploy HOST"


def _away(patient: Patient, name: str, owned: Path) -> tuple[str, str]:
    """The command that takes a model away that does not run here, or has a shipped one tried
    again."""
    if (owned / name).exists() or (owned / f"{name}.tflite").exists():
        return _instead(patient, name, owned)
    if patient.status is not None:
        url = f"{pi_edge_url(patient)}/v2/repository/models/{name}/load"
        return f"curl --fail -X POST {shlex.quote(url)}", ""
    return patient.restart, "" if patient.restart else "start the daemon: it is tried again"

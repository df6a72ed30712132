"""Train one of the MNIST networks: raw TensorFlow, top to bottom.

Keras' fit takes 150 MB more for the same work. Here a step is one tf.function; images
stay on the disk; the optimiser is Adam (Kingma and Ba, ICLR 2015) with decoupled weight
decay (Loshchilov and Hutter, ICLR 2019) in a few lines. What is measured and kept is a
running average of the weights (Polyak and Juditsky, 1992), not their last values.

Everything random is drawn from [seed, epoch], so a training that was killed and resumed
ends with the same weights, bit for bit, as one that was not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import files, model_json
from pi_edge.desktop import memory
from pi_edge.desktop.determinism import fix_order_of_additions
from pi_edge.desktop.mnist import augment
from pi_edge.desktop.mnist.download import find_or_download
from pi_edge.desktop.mnist.networks import (
    NETWORKS,
    Conv,
    Network,
    Phase,
    Recipe,
    Weights,
    folded,
    initial_weights,
    logits,
    probabilities,
)
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning import mnist as data
from pi_edge.learning.checkpoint import load, save
from pi_edge.learning.progress import Progress
from pi_edge.processes import peak_bytes

BETA1, BETA2, TINY = 0.9, 0.999, 1e-7
STATISTICS_IMAGES, STATISTICS_BATCH = 6000, 100
EVALUATION_BATCH = 16


@dataclass(frozen=True)
class Trained:
    """A finished training: folded weights ready to convert, and the story behind them."""

    network: Network
    weights: Weights
    story: dict[str, Any]


def train(
    name: str,
    *,
    state: Path,
    given: Path | None = None,
    seed: int = 0,
    epochs: int | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train the network called `name`, or go on where an earlier call was interrupted.

    `epochs` stands for a single phase of so many. Checkpoints and the result are kept in
    `state`/training/`name`. A finished training of
    the same seed and epochs is kept as it is unless `fresh`.
    """
    network = NETWORKS[name]
    if epochs is not None:
        only = replace(network.recipe.phases[0], epochs=epochs)
        network = replace(network, recipe=replace(network.recipe, phases=(only,)))
    folder = state / "training" / name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.npz"
    if fresh:
        checkpoint.unlink(missing_ok=True)

    npz = find_or_download(given)
    digits = data.unpack(npz, "train", folder.parent)
    rows = data.split(len(digits.labels))
    if len(rows.training) < network.recipe.batch:
        raise BadInput(
            f"{npz}: {len(rows.training)} training images are fewer than a batch of "
            f"{network.recipe.batch}"
        )
    plan = _plan(network, seed, npz)

    # Before TensorFlow starts its threads, which keep the heaps they are born with.
    memory.give_memory_back()
    fix_order_of_additions()
    values = start_values(network, seed)
    story: dict[str, Any] = {"plan": plan, "history": [], "seconds": 0.0, "peak_bytes": 0}
    if checkpoint.exists():
        values, story = load(checkpoint)
        if story["plan"] != plan:
            other = _differences(story["plan"], plan)
            raise BadInput(
                f"{folder} holds a training with other settings ({other}): ask for the same, "
                "or start over with --fresh"
            )
    done = len(story["history"])
    if done == network.recipe.epochs:
        say(f"{name}: already trained ({done} epochs, seed {seed}); --fresh starts over")
        return Trained(network, shipped(network, values), story)
    if done:
        say(f"{name}: going on after epoch {done} of {network.recipe.epochs}")
    if not story.get("tensorflow_import_bytes"):
        story["tensorflow_import_bytes"] = memory.tensorflow_import_bytes()

    story |= {
        "versions": model_json.versions("tensorflow", "numpy"),
        "machine": model_json.machine(),
    }

    steps = len(rows.training) // network.recipe.batch
    variables = {key: tf.Variable(values.pop(key)) for key in list(values) if not is_statistic(key)}
    measure_statistics, measure = statistics(network), measurement(network)
    phase = None
    for epoch in range(done + 1, network.recipe.epochs + 1):
        began = time.monotonic()
        seen = np.zeros(2)
        if phase != (phase := phase_of(network.recipe, epoch)):
            step = training_step(network, variables, phase[0], phase[1] * steps, steps)
        title = f"{name} epoch {epoch}/{network.recipe.epochs}"
        with Progress(title, steps, after=(network.recipe.epochs - epoch) * steps) as progress:
            prepared = batches(network, digits, rows.training, seed, epoch)
            for at, (images, labels) in enumerate(prepared):
                number = (epoch - 1) * steps + at
                # NumPy's integers: TensorFlow caches its own for ever, 500 bytes a step.
                at_random = np.array([seed % 2**31, number], np.int32)
                loss, right = step(images, labels, np.int32(number), at_random)
                seen += (float(loss), float(right))
                progress.step(loss=seen[0] / (at + 1), accuracy=seen[1] / (at + 1))
        measured = measure_statistics(variables, digits, rows.training)
        weights = shipped(network, variables | measured)
        held_out_loss, wrong = measure(weights, digits, rows.held_out)
        accuracy = 1 - wrong / len(rows.held_out)
        story["history"].append(
            {
                "epoch": epoch,
                "loss": round(seen[0] / steps, 5),
                "accuracy": round(seen[1] / steps, 5),
                "held_out_loss": round(held_out_loss, 5),
                "held_out_errors": wrong,
                "held_out_accuracy": round(accuracy, 5),
            }
        )
        story["seconds"] += time.monotonic() - began
        story["peak_bytes"] = max(story["peak_bytes"], peak_bytes())
        story["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
        save(checkpoint, variables | measured, story)
        say(
            f"{title}: loss {seen[0] / steps:.4f}, accuracy {seen[1] / steps:.2%}, held out "
            f"{accuracy:.2%} ({wrong} wrong), {time.monotonic() - began:.0f} s, "
            f"peak memory {memory.megabytes(story['peak_bytes'])}"
        )
    say(f"{name}: {memory.report(story['peak_bytes'], story['tensorflow_import_bytes'])}")
    return Trained(network, weights, story)


def trained(name: str, state: Path) -> Trained:
    """Return the finished training of `name` that `train` left in `state`."""
    checkpoint = state / "training" / name / "checkpoint.npz"
    if not checkpoint.exists():
        raise NotFound(f"{name} is not trained yet: run pi-edge train {name}")
    values, story = load(checkpoint)
    network = NETWORKS[name]
    done, wanted = (
        len(story["history"]),
        sum(phase["epochs"] for phase in story["plan"]["recipe"]["phases"]),
    )
    if done < wanted:
        raise NotFound(
            f"{name} is trained for {done} of {wanted} epochs: pi-edge train {name} goes on"
        )
    if story["plan"]["network"] != repr(network.layers):
        raise BadInput(
            f"{checkpoint} holds another network than this version's {name}: run "
            f"pi-edge train {name} --fresh"
        )
    return Trained(network, shipped(network, values), story)


def phase_of(recipe: Recipe, epoch: int) -> tuple[Phase, int]:
    """Return the phase that an epoch, counted from 1, is in, and the epochs before it."""
    before = 0
    for phase in recipe.phases:
        if epoch <= before + phase.epochs:
            return phase, before
        before += phase.epochs
    raise ValueError(f"there is no epoch {epoch}")


def training_step(
    network: Network, variables: dict[str, tf.Variable], phase: Phase, first: int, steps: int
) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Return the function that learns from one batch and updates `variables` in place.

    It takes images [n, 28, 28] float32, labels [n] uint8, the step's number and a seed [2],
    and returns the mean loss and the part of the batch that was right. The phase begins
    at step `first` and has `steps` an epoch.
    """
    recipe, total = network.recipe, steps * phase.epochs
    weights = {key: variable for key, variable in variables.items() if "@" not in key}

    def step(
        images: tf.Tensor, labels: tf.Tensor, number: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        now = tf.cast(number, tf.float32)
        here = tf.cast(number - first, tf.float32)
        top = 0.5 + 0.5 * tf.cos(np.pi * here / total) if phase.falling else 1.0
        rate = phase.learning_rate * tf.minimum((here + 1) / phase.warm_up_steps, top)
        labels = tf.cast(labels, tf.int32)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(weights.values()))
            scores, _ = logits(network.layers, weights, images, seed)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
            )
        gradients = tape.gradient(loss, list(weights.values()))
        scale = tf.sqrt(1 - BETA2 ** (now + 1)) / (1 - BETA1 ** (now + 1))
        # Early on the average must forget quickly where it started.
        decay = tf.minimum(phase.averaging, (1 + now) / (10 + now))
        for (key, weight), gradient in zip(weights.items(), gradients, strict=True):
            first_moment, second_moment = variables[f"{key}@m"], variables[f"{key}@v"]
            first_moment.assign(BETA1 * first_moment + (1 - BETA1) * gradient)
            second_moment.assign(BETA2 * second_moment + (1 - BETA2) * gradient * gradient)
            change = rate * scale * first_moment / (tf.sqrt(second_moment) + TINY)
            if recipe.weight_decay and key.endswith("/kernel"):
                change += rate * recipe.weight_decay * weight
            weight.assign_sub(change)
            average = variables[f"{key}@average"]
            average.assign_sub((1 - decay) * (average - weight))
        right = tf.cast(tf.argmax(scores, 1, tf.int32) == labels, tf.float32)
        return loss, tf.reduce_mean(right)

    compiled: Callable[..., tuple[tf.Tensor, tf.Tensor]] = tf.function(step, autograph=False)
    return compiled


def statistics(
    network: Network,
) -> Callable[[Mapping[str, Any], data.Digits, NDArray[np.int64]], Weights]:
    """Return the function that measures what batch normalisation needs for inference.

    That is each normalised layer's mean and variance under the averaged weights (Izmailov
    et al., UAI 2018), on images as they are: those met while training were distorted,
    and the network would misjudge the sharper ones it is for.
    """

    def seen(weights: dict[str, tf.Tensor], images: tf.Tensor) -> dict[str, tf.Tensor]:
        return logits(network.layers, weights, images, tf.constant([0, 0]))[1]

    compiled = tf.function(seen, autograph=False)
    needed = any(isinstance(layer, Conv) and layer.norm for layer in network.layers)

    def measure(
        variables: Mapping[str, Any], digits: data.Digits, rows: NDArray[np.int64]
    ) -> Weights:
        if not needed:
            return {}
        averages = {
            key.removesuffix("@average"): tf.convert_to_tensor(value)
            for key, value in variables.items()
            if key.endswith("@average")
        }
        chosen = np.random.default_rng(0).permutation(rows)[:STATISTICS_IMAGES]
        parts = np.array_split(chosen, max(1, len(chosen) // STATISTICS_BATCH))
        sums: dict[str, NDArray[np.float64]] = {}
        for part in parts:
            images = tf.constant(digits.images(part).astype(np.float32))
            for key, value in compiled(averages, images).items():
                sums[key] = sums.get(key, np.zeros(value.shape)) + value.numpy()
        return {
            f"{key}@average": (total / len(parts)).astype(np.float32) for key, total in sums.items()
        }

    return measure


def is_statistic(key: str) -> bool:
    """Say whether an entry of a checkpoint was measured by `statistics`, not learned."""
    return key.removesuffix("@average").endswith(("/mean", "/variance"))


def batches(
    network: Network, digits: data.Digits, rows: NDArray[np.int64], seed: int, epoch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Yield an epoch's full batches in its own random order, prepared one ahead by a thread."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(rows)
    size = network.recipe.batch
    phase, _ = phase_of(network.recipe, epoch)

    def prepare(start: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        chosen = order[start : start + size]
        images = digits.images(chosen)
        if phase.augment:
            distorted = augment.distort(images, random, phase.augment, phase.sharp)
            return distorted, digits.labels[chosen]
        return images.astype(np.float32), digits.labels[chosen]

    with ThreadPoolExecutor(1) as thread:
        starts = range(0, len(order) - size + 1, size)
        coming = thread.submit(prepare, 0)
        for start in starts:
            ready = coming.result()
            if start + size in starts:
                coming = thread.submit(prepare, start + size)
            yield ready


def measurement(
    network: Network,
) -> Callable[[Weights, data.Digits, NDArray[np.int64]], tuple[float, int]]:
    """Return the function that gives the mean loss and the number of wrong answers."""

    def answer(weights: dict[str, tf.Tensor], images: tf.Tensor) -> tf.Tensor:
        return probabilities(network.layers, weights, images)

    compiled = tf.function(answer, autograph=False)

    def measure(
        weights: Weights, digits: data.Digits, rows: NDArray[np.int64]
    ) -> tuple[float, int]:
        tensors = {key: tf.constant(value) for key, value in weights.items()}
        loss, wrong = 0.0, 0
        for start in range(0, len(rows), EVALUATION_BATCH):
            chosen = rows[start : start + EVALUATION_BATCH]
            labels = digits.labels[chosen]
            images = digits.images(chosen).astype(np.float32)
            chances = compiled(tensors, tf.constant(images)).numpy()
            loss -= float(np.log(chances[np.arange(len(labels)), labels] + 1e-12).sum())
            wrong += int((chances.argmax(1) != labels).sum())
        return loss / len(rows), wrong

    return measure


def start_values(network: Network, seed: int) -> Weights:
    """Return all that changes while training: weights, Adam's moments, the running average."""
    weights = initial_weights(network.layers, np.random.default_rng([seed, 0]))
    values = dict(weights)
    for key, value in weights.items():
        values[f"{key}@average"] = value
        values[f"{key}@m"] = np.zeros_like(value)
        values[f"{key}@v"] = np.zeros_like(value)
    return values


def shipped(network: Network, values: Mapping[str, Any]) -> Weights:
    """Return the averaged weights, folded: the network as it is measured and shipped."""
    average = {
        key.removesuffix("@average"): np.asarray(value)
        for key, value in values.items()
        if key.endswith("@average")
    }
    return folded(network.layers, average)


def _plan(network: Network, seed: int, npz: Path) -> dict[str, Any]:
    """What decides the outcome, as JSON has it: resuming with another plan makes no sense."""
    plan = {
        "network": repr(network.layers),
        "recipe": asdict(network.recipe),
        "seed": seed,
        "data_sha256": files.sha256(npz),
    }
    return json.loads(json.dumps(plan))  # type: ignore[no-any-return]


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    flat_old, flat_new = ({**plan, **plan["recipe"]} for plan in (old, new))
    return ", ".join(
        f"{key} {flat_old.get(key)}, not {value}"
        for key, value in flat_new.items()
        if key != "recipe" and flat_old.get(key) != value
    )

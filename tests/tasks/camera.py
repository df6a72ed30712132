"""Ink, print and paper under a lamp, seen through a camera."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter
from troubles import INKS, RULES, Trouble


def light(t: Trouble, random: Generator, width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / max(width, height), y / max(width, height)
    light = np.ones((height, width), np.float32)
    across, down = width / max(width, height), height / max(width, height)
    if t.gradient:
        a = random.uniform(0, 2 * np.pi)
        slope = (x - across / 2) * np.cos(a) + (y - down / 2) * np.sin(a)
        light *= 1 - t.gradient * np.clip(slope / 1.1 + 0.5, 0, 1)
    if t.lamp:
        cx, cy = random.uniform(0, across), random.uniform(0, down)
        light *= 1 - t.lamp * (1 - np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.35))
    if t.shadow:
        depth = random.uniform(0.3, 0.6)
        a = random.uniform(0, 2 * np.pi)
        edge = (x - across * random.uniform(0.3, 0.7)) * np.cos(a) + (
            y - down * random.uniform(0.3, 0.7)
        ) * np.sin(a)
        if t.shadow == "finger":
            along = -(x - across / 2) * np.sin(a) + (y - down / 2) * np.cos(a)
            inside = np.minimum(random.uniform(0.06, 0.15) - np.abs(edge), 0.1 - along)
            soft = 0.03
        else:
            inside = edge
            soft = 0.15 if t.shadow == "soft" else 0.004
        light *= 1 - depth * np.clip(inside / soft + 0.5, 0, 1)
    return light


def _cloth(random: Generator, width: int, height: int, grain: int) -> np.ndarray:
    """Smooth noise with deviation about 1 and lumps of 1/grain of the picture."""
    small = random.normal(0, 1, (grain, grain)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def expose(
    t: Trouble, random: Generator, ink: np.ndarray, rules: np.ndarray, page: np.ndarray
) -> np.ndarray:
    height, width = ink.shape
    if t.board:
        paper = np.array([35, 55, 45], np.float32) + random.uniform(-10, 15)
        pen = np.array([225, 225, 215], np.float32)
    else:
        paper = random.uniform(225, 250) - np.array([0, 3, 12], np.float32) * random.uniform(0, 1)
        pen = np.array(INKS[t.ink], np.float32)
    picture = np.broadcast_to(paper, (height, width, 3)).astype(np.float32).copy()
    for grain in (12, 60):
        picture += t.texture * _cloth(random, width, height, grain)[..., None]
    if t.rules or t.margin:
        printed = np.array(RULES[t.rule_ink], np.float32) / 250
        margin = np.array([225, 120, 130], np.float32) / 250
        red = np.clip(rules - 1, 0, 1)[..., None]
        line = np.clip(rules, 0, 1)[..., None]
        # Rules beside the margin line blend to it; both are printed, so they multiply.
        picture *= 1 - line + line * (printed * (1 - red) + margin * red)
    strength = ink[..., None] * (
        1 if t.ink != "pencil" else 0.85 + 0.15 * _cloth(random, width, height, 150)[..., None]
    )
    if t.board:
        strength = (
            strength * np.clip(0.8 + 0.2 * _cloth(random, width, height, 200), 0, 1)[..., None]
        )
        picture += strength * (pen - picture)
    else:
        picture *= 1 - np.clip(strength, 0, 1) * (1 - pen / 250)
    if page.min() < 0.5:
        table = np.array(
            [(90, 65, 45), (60, 60, 65), (150, 120, 85), (30, 30, 30)][random.integers(4)],
            np.float32,
        )
        wood = table + 5 * _cloth(random, width, height, 25)[..., None]
        if not t.table:  # the same paper goes on: only the rules and ink were tilted
            wood = np.broadcast_to(paper, picture.shape)
        picture = picture * page[..., None] + wood * (1 - page[..., None])
    picture *= light(t, random, width, height)[..., None]
    blur = t.blur * max(width, height)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if blur > 0.2:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(image, np.float32)
    if t.noise:
        noisy = noisy + random.normal(0, t.noise, (height, width, 1)).astype(np.float32)
        noisy += random.normal(0, t.noise * 0.4, (height, width, 3)).astype(np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)

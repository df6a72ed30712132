"""What becomes of a styled tile beside the photo's own: strength, and the photo's colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style.tiling import FADE

# Luma of ITU-R BT.601, which JPEG's own YCbCr has.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def blend(
    styled: NDArray[np.float32],
    photo: NDArray[np.uint8],
    strength: float = 1.0,
    preserve_color: bool = False,
) -> NDArray[np.uint8]:
    """The pixels [h, w, 3] to write.

    Args:
        styled: float32 [h, w, 3], 0 to 255; it is worked in.
        photo: the same pixels of the photo.
        strength: 0 gives the photo, 1 the styled picture.
        preserve_color: take the brightness only, and hue and saturation from the photo.
    """
    if preserve_color:
        # Adding one number to red, green and blue changes luma only, not Cb and Cr.
        change = (styled - photo) @ LUMA
        styled = np.add(photo, change[..., None], dtype=np.float32)
    if strength < 1.0:
        styled = np.add(photo, np.float32(strength) * (styled - photo), dtype=np.float32)
    np.add(styled, 0.5, out=styled)
    if preserve_color:
        np.clip(styled, 0.0, 255.0, out=styled)
    return styled.astype(np.uint8)


def fade(before: NDArray[np.uint8], after: NDArray[np.uint8], axis: int) -> None:
    """Let what two tiles share turn from one's into the other's.

    Args:
        before: rows or columns that the first has made, at least of what is shared.
        after: what the second has made, in the same place; its share is worked in.
        axis: 0 for rows, 1 for columns.
    """
    count = min(before.shape[axis], after.shape[axis], 2 * FADE)
    # In whole numbers, in 4 * FADE parts: floats would take four times the rows' memory.
    parts = np.arange(1, 2 * count, 2, dtype=np.uint16)
    parts = parts[:, None, None] if axis == 0 else parts[None, :, None]
    where = (slice(count),) if axis == 0 else (slice(None), slice(count))
    mixed = before[where] * (np.uint16(4 * FADE) - parts)
    mixed += after[where] * parts
    mixed += np.uint16(2 * FADE)
    mixed //= np.uint16(4 * FADE)
    after[where] = mixed

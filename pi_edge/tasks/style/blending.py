"""What becomes of a styled tile beside the photo's own: strength, and the photo's colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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

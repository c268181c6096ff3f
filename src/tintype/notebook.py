"""A photograph in gray and in colour with a slider between them, as notebooks show it: HTML that stands by itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape

import numpy as np
from numpy.typing import NDArray

LONGEST = 1000
"""Long side of the pictures in pixels, at most."""

BYTES = 400_000
"""Of the HTML, at most: a notebook keeps it in its file."""

STEPS = ((1.0, 88), (1.0, 75), (0.8, 70), (0.6, 65), (0.4, 60), (0.2, 50))
"""Share of the size, and quality of the JPEG; the first that is within the bytes."""


def slider(paint: Callable[[float, tuple[int, int]], NDArray[np.uint8]], size: tuple[int, int], name: str) -> str:
    """HTML with a photograph in gray on the left of a border that moves, and in colour on the right.

    The border follows the range input under it, and the pointer. Where scripts are not allowed, as in a notebook that
    is not trusted, the corner of the gray picture can be dragged; where styles are not either, as on some sites, one
    picture is below the other. There are no identifiers, so any number of them can be in one page.

    Args:
        paint: what gives sRGB uint8 [h, w, 3] for a blend (0: gray, 1: in colour) and (height, width).
        size: (height, width) of the pictures, at most.
        name: what the photograph is called.
    """
    for share, quality in STEPS:
        height, width = (max(1, round(side * share)) for side in size)
        gray, colour = (_data(paint(blend, (height, width)), quality) for blend in (0.0, 1.0))
        page = PAGE.format(name=escape(name), gray=gray, colour=colour, width=size[1], ratio=f"{width}/{height}")
        if len(page) <= BYTES:
            break
    return page


def _data(picture: NDArray[np.uint8], quality: int) -> str:
    """A picture as the data URI of a JPEG."""
    from PIL import Image

    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode()


PAGE = """\
<figure style="margin:0;width:{width}px;max-width:100%">
<div style="position:relative;overflow:hidden;aspect-ratio:{ratio};container-type:inline-size;touch-action:pan-y"
 onpointermove="if(event.buttons)this.onpointerdown(event)"
 onpointerdown="const box=this.getBoundingClientRect(),range=this.nextElementSibling;\
range.value=100*(event.clientX-box.left)/box.width;range.oninput()">
<img alt="{name} in colour" src="{colour}" draggable="false"
 style="display:block;width:100%;height:auto;max-width:none;margin:0"
 onload="this.nextElementSibling.style.resize='none';this.parentElement.nextElementSibling.hidden=false">
<div style="position:absolute;left:0;top:0;box-sizing:border-box;width:50%;max-width:100%;height:100%;\
overflow:hidden;resize:horizontal;border-right:2px solid white;pointer-events:auto">
<img alt="{name} in gray" src="{gray}" draggable="false"
 style="display:block;width:100cqw;height:auto;max-width:none;margin:0">
</div>
</div>
<input type="range" min="0" max="100" value="50" step="any" hidden
 aria-label="How much of {name} is shown in gray, in percent" style="width:100%;margin:4px 0;box-sizing:border-box"
 oninput="this.previousElementSibling.lastElementChild.style.width=this.value+'%'">
</figure>
"""

"""A decoded picture to gray codes: whatever its pixels are, upright."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.errors import FilmError, printable
from tintype.film.signal import Codes, Leveller, Signal, leveller

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

FAINT = 2
"""Codes of 8 bits by which chroma may differ from gray in a film without colour: what coarse encoding leaves."""

HD = 576
"""Rows up to which a film that does not name its matrix is taken to have that of BT.601, as players do."""

_MATRICES = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}  # of H.273, where 2 is none
_CURVES = {4: "gamma22", 5: "gamma28", 8: "linear"}
_REFUSED = {9: "a logarithmic curve", 10: "a logarithmic curve", 16: "HDR (PQ)", 17: "SMPTE ST 428", 18: "HDR (HLG)"}
_SUBSAMPLED = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "411", (4, 4): "410", (1, 2): "440"}
_FULL_GRAY = {"ffv1", "gif", "png", "apng", "rawvideo", "mjpeg", "huffyuv", "ffvhuff", "utvideo", "jpeg2000", "tiff"}


@dataclass(frozen=True)
class Layout:
    """How the pictures of a film lie in memory, and what they mean."""

    path: Path
    coded: tuple[int, int]
    """(width, height) as decoded."""
    format: str
    """The pixel format of the first frame."""
    planar: str
    """The one that it is brought into."""
    signal: Signal
    transfer: int
    """The number that H.273 gives the curve; 1, that of BT.709, where the film does not say."""
    orientation: tuple[bool, bool, bool]
    """Whether the axes change places, and columns and rows are then put in reverse."""
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, picture: VideoFrame, codec: str, path: Path) -> Layout:
        """That of a film by its first frame.

        codec: the decoder's name. Raises FilmError for what is refused by name.
        """
        name = printable(path)
        if picture.color_trc in _REFUSED:
            raise FilmError(
                f"{name} is in {_REFUSED[picture.color_trc]}: convert it to the range of BT.709 (SDR) first"
            )
        planar, kind = _planar(picture.format, name)
        depth = picture.format.components[0].bits if kind != "rgb" else 16 if planar.endswith("16le") else 8
        if kind == "gray" and planar == "gray":
            depth = 8
        full = picture.color_range == 2 or picture.format.name.startswith("yuvj")
        matrix = "bt601"
        if kind == "rgb" or (kind == "gray" and picture.color_range == 0 and codec in _FULL_GRAY):
            full = True
        elif kind == "yuv":
            space = picture.colorspace
            if space not in (2, 3) and space not in _MATRICES:
                raise FilmError(f"{name} has a colour matrix that is not read (H.273 number {space}): convert it first")
            matrix = _MATRICES.get(space, usual_matrix(picture.width, picture.height))
        notes = []
        if any(part.is_alpha for part in picture.format.components):
            alpha = picture.reformat(format=planar).planes[-1]
            if int(_array(alpha, depth).min()) < (1 << depth) - 1:
                notes.append("The film is transparent in places, which is not kept: they lie on white")
        return cls(
            path,
            (picture.width, picture.height),
            picture.format.name,
            planar,
            Signal(depth, full, matrix, _CURVES.get(picture.color_trc, "srgb")),
            13 if kind == "rgb" else 1 if picture.color_trc in (0, 2) else picture.color_trc,
            _orientation(picture),
            tuple(notes),
        )

    @property
    def rgb(self) -> bool:
        """Whether its pixels are of red, green and blue."""
        return self.planar.startswith("gbr")

    @property
    def turned(self) -> bool:
        """Whether columns become rows."""
        return self.orientation[0]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), upright."""
        width, height = self.coded
        return (height, width) if self.turned else (width, height)

    def check(self, picture: VideoFrame, index: int) -> None:
        """Raises FilmError for a frame that does not belong to the others."""
        if (picture.width, picture.height) != self.coded:
            before, now = (f"{width} x {height}" for width, height in (self.coded, (picture.width, picture.height)))
            raise FilmError(
                f"{printable(self.path)} changes its size from {before} to {now} pixels at frame {index}: "
                "cut it there, or bring it to one size first"
            )

    def gray(self, picture: VideoFrame, index: int) -> Codes:
        """The gray codes [height, width] of a frame, upright. Raises FilmError as `check`."""
        self.check(picture, index)
        if picture.format.name != self.planar:
            picture = picture.reformat(format=self.planar)
        planes = [_array(plane, self.signal.depth) for plane in picture.planes]
        alpha = len(planes) in (2, 4)
        if self.rgb:
            gray = self._gray_of_rgb(planes)
        elif len(planes) > 2 and self._coloured(planes[1:3]):
            size = picture.width, picture.height
            cb, cr = (_enlarged(plane, size) for plane in planes[1:3])
            gray = self._leveller(planes[0], cb, cr)
        else:
            gray = planes[0]
        if alpha:
            gray = self._on_white(gray, planes[-1])
        turned, mirrored, inverted = self.orientation
        if turned:
            gray = gray.T
        if mirrored:
            gray = gray[:, ::-1]
        if inverted:
            gray = gray[::-1]
        # What is decoded is overwritten later.
        return cast("Codes", np.array(gray, order="C"))

    def _coloured(self, chroma: list[Codes]) -> bool:
        middle, faint = self.signal.middle, FAINT << (self.signal.depth - 8)
        return any(int(plane.min()) < middle - faint or int(plane.max()) > middle + faint for plane in chroma)

    @cached_property
    def _leveller(self) -> Leveller:
        return leveller(self.signal, self.signal, True)

    def _gray_of_rgb(self, planes: list[Codes]) -> Codes:
        green, blue, red = planes[:3]
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return red
        luma, cr, cb = cv2.split(cv2.cvtColor(np.dstack([red, green, blue]), cv2.COLOR_RGB2YCrCb))
        return self._leveller(*(cast("Codes", plane) for plane in (luma, cb, cr)))

    def _on_white(self, gray: Codes, alpha: Codes) -> Codes:
        signal = self.signal
        part = alpha.astype(np.float32) / signal.top
        white = signal.black + signal.span
        return cast("Codes", (white + (gray.astype(np.float32) - white) * part + 0.5).astype(gray.dtype))


def usual_matrix(width: int, height: int) -> str:
    """That of a film which does not name its matrix."""
    return "bt709" if height > HD or width >= 1280 else "bt601"


def _planar(format: VideoFormat, name: str) -> tuple[str, str]:
    """The planar format that holds the same, and whether it is 'gray', 'yuv' or 'rgb'. Raises FilmError for others."""
    parts = format.components
    bits = max(part.bits for part in parts)
    alpha = any(part.is_alpha for part in parts)
    if bits > 16 or format.name.startswith(("grayf", "yaf")) or format.is_bayer or "xyz" in format.name:
        what = "raw pixels of a camera" if format.is_bayer else "X'Y'Z'" if "xyz" in format.name else "floats"
        raise FilmError(f"{name} holds {what} ({format.name}), which are not read: convert it first")
    if format.has_palette or format.is_rgb:
        deep = bits > 8
        return ("gbrap" if alpha or format.has_palette else "gbrp") + ("16le" if deep else ""), "rgb"
    suffix = "" if bits <= 8 else f"{bits}le"
    if len(parts) - alpha < 3:
        return f"gray{suffix}", "gray"
    across, down = (-(-16 // side) for side in (format.chroma_width(16), format.chroma_height(16)))
    letter = "yuva" if alpha else "yuv"
    return f"{letter}{_SUBSAMPLED[across, down]}p{suffix}", "yuv"


def _array(plane: VideoPlane, depth: int) -> Codes:
    """The codes of a plane, as they lie in the picture."""
    kind = np.dtype(np.uint8 if depth == 8 else "<u2")
    flat: NDArray[np.uint8 | np.uint16] = np.frombuffer(plane, kind)  # type: ignore[call-overload]  # has a buffer
    rows = flat[: plane.height * (plane.line_size // kind.itemsize)].reshape(plane.height, -1)
    return rows[:, : plane.width]


def _enlarged(plane: Codes, size: tuple[int, int]) -> Codes:
    """A plane of chroma at the size (width, height) of the luma."""
    if plane.shape == size[::-1]:
        return plane
    return cast("Codes", cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))


def _orientation(picture: VideoFrame) -> tuple[bool, bool, bool]:
    """How a picture is put upright: whether its axes change places, and columns and rows are then put in reverse."""
    try:
        matrix = bytes(cast("dict[str, bytes]", picture.side_data)["DISPLAYMATRIX"])  # declared as less than it is
    except KeyError:
        return False, False, False
    # Two rows and columns of 16.16: where a step across, and one down, goes.
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0

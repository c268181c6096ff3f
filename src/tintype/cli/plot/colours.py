"""Kinds of pictures of colours: priors, bins, how often each occurs, and the soft code of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tintype.cli.options import Output, exactly, several
from tintype.cli.plot.checks import check_figure, check_some


def priors(
    first: Annotated[str, Parameter(name="A")],
    second: Annotated[str, Parameter(name="B")] = "published",
    /,
    *,
    output: Output,
    uniform: float = 0.5,
) -> None:
    """One prior against another, bin by bin, and the rebalancing weights that follow from them.

    Example: tintype plot priors data/mine published -o priors.png

    Parameters
    ----------
    first
        A prepared set, a folder of shards or of photographs, a run (the set it trains on), an .npy file with 313
        values, or "published", ImageNet's prior.
    second
        The prior to compare with, given in the same way.
    output
        The picture.
    uniform
        Lambda of the rebalancing weights, 0 to 1; 1 means no rebalancing.
    """
    from tintype.plots import figure, priors

    check_figure(output)
    figure.save(priors.draw(priors.load(first), priors.load(second), uniform), output)


def gamut(
    *,
    output: Output,
    bins: str = "313",
    step: float = 10.0,
    lightness: Annotated[tuple[float, ...], several("numbers such as 25,50,75", float, spaces=True)] = (50,),
) -> None:
    """The ab plane with its bins in their colours; bins that no sRGB colour is nearest to are crossed out.

    Example: tintype plot gamut --lightness 25,50,75 -o gamut.png

    Parameters
    ----------
    output
        The picture.
    bins
        313 (published), 529 (SIGGRAPH17), srgb (the points of a grid that are nearest to some sRGB colour), or a set, a
        folder of photographs or one photograph, whose colours select points of the grid.
    step
        Step of such a grid, in units of the ab plane.
    lightness
        CIE L* of each panel, with commas between them.
    """
    from tintype.plots import figure, gamut

    check_figure(output)
    figure.save(gamut.draw(gamut.load(bins, step), lightness), output)


def density(*sources: Annotated[Path, Parameter(name="PHOTOS|DATA")], output: Output) -> None:
    """How often each colour occurs in photographs, in the ab plane, on a logarithmic scale.

    Example: tintype plot density data/mine -o density.png

    Parameters
    ----------
    sources
        Prepared sets, folders of shards or of photographs, photographs.
    output
        The picture.
    """
    from tintype.plots import density, figure

    check_some(sources, "photograph or set")
    check_figure(output)
    figure.save(density.draw(density.count(sources)), output)


def code(
    source: Annotated[str, Parameter(name="PHOTO|COLOUR")],
    /,
    *,
    output: Output,
    at: Annotated[tuple[int, int] | None, exactly(2, "X,Y such as 200,120, in pixels", spaces=True)] = None,
    neighbours: int = 5,
    sigma: float = 5.0,
) -> None:
    """One colour as the training target of a network that classifies: its soft code over the bins.

    Example: tintype plot code garden.jpg --at 200,120 -o code.png

    Parameters
    ----------
    source
        A photograph, or a colour such as #8b5a2b.
    output
        The picture.
    at
        X,Y of the pixel, after the photograph's short side is reduced to 640 pixels. Default: its middle.
    neighbours
        K, the number of nearest bins; 1 is one-hot.
    sigma
        Standard deviation of the Gaussian, in units of the ab plane.
    """
    from tintype.plots import code, figure

    check_figure(output)
    if source.startswith("#"):
        drawn = code.of_colour(source, neighbours, sigma)
    else:
        drawn = code.of_pixel(source, at, neighbours, sigma)
    figure.save(code.draw(drawn), output)

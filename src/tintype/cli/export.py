"""`tintype export`: a checkpoint becomes a model file."""

from __future__ import annotations

from pathlib import Path

from tintype.cli import say
from tintype.cli.options import Output


def export(
    checkpoint: Path,
    /,
    *,
    output: Output,
    card: Path | None = None,
) -> None:
    """Write a checkpoint as a model file that `tintype colorize --model` takes.

    The weights are rounded to float16. The file is written only if its colours agree with the checkpoint's. Where the
    photographs of the run are still there, their perceptual hashes are written beside it, as NAME.seen: by them
    `tintype study make` warns of photographs that the model knows.

    Example: tintype export runs/mine -o mine.onnx --card mine.card.toml

    Parameters
    ----------
    checkpoint
        A checkpoint file, or the folder of a run, for its checkpoint with the lowest validation loss.
    output
        The .onnx file to write.
    card
        A TOML file with what the model says about itself: version, description, licence, size, temperature,
        training_data and figures.
    """
    from tintype.training.export import export, list_photographs, read_card_file

    made = export(checkpoint, output, **read_card_file(card), say=say)
    say(f"{output}: {made.name}, {output.stat().st_size / 1e6:.1f} MB")
    say(list_photographs(checkpoint, output) or "The photographs of the run are not here: no list of them is written")

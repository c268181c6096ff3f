"""`tintype export`: a checkpoint becomes a model file."""

from __future__ import annotations

from pathlib import Path

from tintype.cli import complain, say
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
    from tintype.data.seen import SUFFIX, write_seen
    from tintype.training.export import export, photographs_of, read_card_file

    made = export(checkpoint, output, **read_card_file(card), say=say)
    say(f"{output}: {made.name}, {output.stat().st_size / 1e6:.1f} MB")
    seen = output.with_suffix(SUFFIX)
    if (hashes := photographs_of(checkpoint)) is not None:
        say(
            f"{seen}: hashes of {write_seen(seen, hashes):,} photographs that it learned from; keep it beside the model"
        )
    elif seen.exists():
        complain(f"warning: {seen} is from an earlier export: remove it if that was of another run")

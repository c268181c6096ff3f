"""The page of a run: thumbnails before and after, what failed, and what deserves a look, to be opened from disk."""

from tintype.summary.page import write

__all__ = ["write"]

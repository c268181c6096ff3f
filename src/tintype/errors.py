"""What can go wrong that a user can meet.

    TintypeError
    ├── PhotoError           a photograph cannot be read or written
    │   ├── UnreadablePhoto      broken, empty, not a photograph, not permitted
    │   ├── UnsupportedPhoto     a photograph, but of a kind that is refused by name
    │   │   └── TooManyPixels            one that is larger than is read
    │   └── UnwritablePhoto      the result cannot be put where it should go
    ├── FilmError            a film cannot be read, coloured or written
    ├── UnwritableFile       any other file cannot be put where it should go
    ├── DiskFull             a run waited for room on the disk, and there was none in time
    ├── LedgerError          the ledger of a folder of results cannot be read or kept
    ├── FolderInUse          another run is writing results into the folder
    ├── StoreError           a store of photographs or results cannot be reached, read or written
    ├── ClusterError         a cluster cannot be reached, or cannot work
    ├── ModelError           a model is unknown, or its file breaks the contract
    │   └── UnknownModel         there is no such model: an OptionError, too
    ├── HintError            colour hints that cannot be understood
    ├── OptionError          a setting that cannot be used, such as a size of 0
    │   └── DeviceError          a device that is not installed, or does not work
    ├── DataError            a data set is missing, broken or empty
    ├── ConfigError          a training configuration that cannot work
    └── StudyError           a study cannot be made or used, or was changed

Each message is one sentence: what, where, what to do. What a user should know of a photograph that was coloured all the
same is a TintypeWarning.
"""

from __future__ import annotations

import unicodedata


class TintypeError(Exception):
    """The base of every error that tintype raises on purpose."""


class TintypeWarning(UserWarning):
    """A photograph was coloured, but something was damaged, could not be kept, or went another way than asked for."""


class PhotoError(TintypeError):
    """A photograph cannot be read or written."""


class UnreadablePhoto(PhotoError):
    """Broken, empty, not a photograph, or not permitted."""


class UnsupportedPhoto(PhotoError):
    """A photograph, but of a kind that is refused by name."""


class TooManyPixels(UnsupportedPhoto):
    """A photograph of more pixels than are read."""


class UnwritablePhoto(PhotoError):
    """The result cannot be put where it should go."""


class FilmError(TintypeError):
    """A film cannot be read, coloured or written."""


class UnwritableFile(TintypeError):
    """A file cannot be put where it should go.

    reason: what the system said, such as "No space left on device". number: its `errno`, where it has one.
    """

    def __init__(self, message: str, *, reason: str = "", number: int | None = None) -> None:
        super().__init__(message)
        self.reason, self.number = reason, number


class DiskFull(TintypeError):
    """A run waited for room on the disk, and there was none in time."""


class LedgerError(TintypeError):
    """The ledger of a folder of results cannot be read or kept."""


class FolderInUse(TintypeError):
    """Another run is writing results into the folder."""


class StoreError(TintypeError):
    """A store of photographs or results cannot be reached, read or written."""


class ClusterError(TintypeError):
    """A cluster cannot be reached, or cannot work."""


class ModelError(TintypeError):
    """A model is unknown, or its file breaks the contract."""


class HintError(TintypeError):
    """Colour hints that cannot be understood."""


class OptionError(TintypeError):
    """A setting that cannot be used, such as a network size of 0."""


class DeviceError(OptionError):
    """A device on which no network can run: its provider is not installed, or does not work here."""


class DataError(TintypeError):
    """A data set is missing, broken or empty."""


class ConfigError(TintypeError):
    """A training configuration that cannot work."""


class UnknownModel(ModelError, OptionError):
    """There is no model of this name, or no such file: a setting that cannot be used."""


class StudyError(TintypeError):
    """A study cannot be made or used, or was changed after it was made."""


def install_line(*extras: str) -> str:
    """What to type, in the folder of tintype, to install these extras of it: `pip install ".[train]"`."""
    return f'pip install ".[{",".join(extras)}]"'


def not_installed(what: str, package: str | None, extra: str) -> TintypeError:
    """The error of work that needs a package which an extra of tintype brings and which is not installed.

    what: what needs it, the beginning of the sentence.
    """
    return TintypeError(
        f"{what} needs {package}, which is not installed: in the folder of tintype, run {install_line(extra)}"
    )


def printable(text: object) -> str:
    """Text in printable characters: names of files, cards and tags may hold others, which a terminal would obey."""
    return "".join(
        letter if letter.isprintable() or unicodedata.category(letter) == "Zs" else ascii(letter)[1:-1]
        for letter in str(text)
    )

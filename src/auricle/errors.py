"""What a user can cause, each error with the mend in its message.

The command line prints such an error in one line and exits with 1; anything else is a bug and
keeps its traceback.
"""


def install(extra: str) -> str:
    """The mend for a library of an extra that is missing; auricle is installed from its folder."""
    return f'run pip install ".[{extra}]" in auricle\'s folder'


class AuricleError(Exception):
    """Any mistake a user can make and mend."""


class DataError(AuricleError):
    """A data set that cannot be used as it is: its table, its folds, its folder."""


class AudioError(DataError):
    """One audio file that cannot be used."""


class FetchError(DataError):
    """A download that did not end whole."""


class RecipeError(AuricleError):
    """A recipe or plan that says something impossible."""


class StudyError(AuricleError):
    """A study's folder that cannot be written, resumed or read."""


class BundleError(AuricleError):
    """A bundle that is not whole, not ours or of a later release."""


class DemoError(AuricleError):
    """A demonstration that cannot be given here."""

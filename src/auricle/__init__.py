"""From a folder of labelled sound clips to a classifier that can be believed and shipped."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.ship.model import Model

__version__ = "0.1.0"


def load(model: str | Path | None = None) -> "Model":
    """A model to ask, out of a bundle, of a study or of a fit; the one that comes along if none.

        auricle.load().predict("clip.wav")

    Raises: AuricleError if there is none, or if it is damaged.
    """
    from auricle.ship.model import SHIPPED, load_model  # torch takes a second

    return load_model(model or SHIPPED)

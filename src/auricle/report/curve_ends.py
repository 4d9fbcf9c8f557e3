"""What the ends of the learning curves say, in sentences that the numbers choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auricle.report.document import code
from auricle.report.sentences import extremes
from auricle.report.study_files import Fit
from auricle.report.wording import configurations, decimals, listed


@dataclass(frozen=True)
class Ending:
    """Where the mean learning curve of a configuration ends."""

    train: float
    val: float
    lowest_val: float
    lowest_epoch: int
    epochs: int

    @property
    def gap(self) -> float:
        """Validation loss less training loss, at the last epoch."""
        return self.val - self.train


def ending(fits: Sequence[Fit]) -> Ending:
    """The end of the mean curve of fits that were validated: of what the epochs trained."""
    shortest = min(len(fit.history["epoch"]) for fit in fits)
    train = np.mean([fit.trained("train", "loss")[:shortest] for fit in fits], axis=0)
    val = np.mean([fit.trained("val", "loss")[:shortest] for fit in fits], axis=0)
    lowest = int(np.argmin(val))
    return Ending(float(train[-1]), float(val[-1]), float(val[lowest]), lowest + 1, shortest)


def gaps(ends: Mapping[str, Ending], of: str = "") -> str:
    """How far validation lies above training at the end; `of` says of what, if not of all."""
    told = listed([f"{decimals(end.gap)} for {code(name)}" for name, end in ends.items()])
    if all(end.gap >= 0 for end in ends.values()):
        how = f"the validation loss exceeds the training loss by {told}"
    else:
        how = f"validation loss less training loss is {told}"
    text = f"**Gap.** At the last epoch {how} (mean of the k-fold fits{of})."
    if len(ends) == 1:
        return text
    widest, _ = extremes({name: end.gap for name, end in ends.items()}, decimals)
    _, best_fit = extremes({name: end.train for name, end in ends.items()}, decimals)
    loosest, _ = extremes({name: end.train for name, end in ends.items()}, decimals)
    if len(widest) < len(ends):
        text += f" It is widest for {configurations(widest)}."
    if len(best_fit) < len(ends):
        text += (
            f" {configurations(best_fit)} {'fits' if len(best_fit) == 1 else 'fit'} the training "
            f"clips closest (training loss {decimals(ends[best_fit[0]].train)}), "
            f"{configurations(loosest)} least ({decimals(ends[loosest[0]].train)})."
        )
    return text


def overfitting(ends: Mapping[str, Ending]) -> str:
    """Whether longer training made validation worse: a rise of more than 5% over its lowest."""
    rising = {n: e for n, e in ends.items() if e.val > 1.05 * e.lowest_val}
    if not rising:
        of_all = "" if len(ends) == 1 else " of every configuration"
        text = (
            f"**Length of training.** The mean validation loss{of_all} ends within 5% of its lowest"
        )
        if all(end.lowest_epoch == end.epochs for end in ends.values()):
            return (
                f"{text}, which is the last epoch's: training on did no harm, and more epochs "
                "might do good; or it is the rate, and the mixing, that fade towards the end."
            )
        return f"{text}: training on did no harm."
    told = listed(
        [
            f"that of {code(name)} was lowest at epoch {end.lowest_epoch} "
            f"({decimals(end.lowest_val)}) and ended at {decimals(end.val)}"
            for name, end in rising.items()
        ]
    )
    rest = " Those of the others end within 5% of their lowest." if len(rising) < len(ends) else ""
    return f"**Length of training.** Mean validation loss rose again: {told}.{rest}"

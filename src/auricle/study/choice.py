"""What a search comes out with: scores seed by seed, and the recipe that they speak for."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any


def confirmed_scores(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Log-loss and accuracy out of fold, those of each seed, and how large the network is."""
    pooled_ones = [each for each in configuration["scores"] if each["member"] == "pooled"]
    seeds = [each for each in pooled_ones if each["seed"].isdigit()]  # neither mean nor together
    return {
        "log_loss": fmean(each["log_loss"] for each in seeds),
        "accuracy": fmean(each["accuracy"]["value"] for each in seeds),
        "log_losses": [each["log_loss"] for each in seeds],
        "accuracies": [each["accuracy"]["value"] for each in seeds],
        "parameters_trainable": configuration["parameters"]["total"]["trainable"],
    }


def smallest_of_the_best(
    losses: Mapping[str, Sequence[float]],
    parameters: Mapping[str, int],
    spread: float | None = None,
) -> str:
    """The recipe of fewest parameters among those that chance may have put behind the best.

    These are within one standard error of the least mean log-loss, by the spread of the best one's
    seeds unless another is given. Of equal ones the better. Source: Breiman et al. (1984), the
    one-standard-error rule.
    """
    least = min(losses, key=lambda name: fmean(losses[name]))
    seeds = losses[least]
    if spread is None:
        spread = stdev(seeds) if len(seeds) > 1 else 0.0
    reach = fmean(seeds) + spread / len(seeds) ** 0.5
    near = [name for name in losses if fmean(losses[name]) <= reach]
    return min(near, key=lambda name: (parameters[name], fmean(losses[name])))

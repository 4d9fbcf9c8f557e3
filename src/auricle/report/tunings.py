"""A finished search, drawn and told."""

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

from auricle.report import searches
from auricle.report.document import (
    Block,
    Column,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
    sourced,
)
from auricle.report.tuning_files import Tuning
from auricle.report.wording import (
    NOTHING,
    count,
    decimals,
    duration,
    listed,
    ordinal,
    percent,
    plural,
    points,
    signed,
    worded,
)


def tuning_document(tuning: Tuning) -> Document:
    """The report of a search on its own."""
    environment = tuning.environment
    return Document(
        title=f"Tuning of {plain(tuning.name)}",
        subtitle=f"{plural(len(tuning.trials), 'trial')} on {plain(tuning.told['data'])}, on its "
        "development folds alone",
        byline=f"auricle {environment['auricle']}, commit {environment['commit']}",
        date=str(environment["started"])[:10],
        blocks=list(tuned({"trials.csv": tuning})),
    )


def tuned(
    tunings: Mapping[str, Tuning], configurations: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Block]:
    """A section a search, by the file of its trials: its space, its course, what was luck.

    `configurations` are those of the study that tells of the searches.
    """
    if not tunings:
        return
    yield Heading("Tuning", 1, "tuning")
    yield Paragraph(
        "Each search, by Optuna (Akiba et al., 2019), draws values of a recipe, trains it under "
        "`kfold` with one seed, and is told the log loss over the out-of-fold clips; the test fold "
        "is never decoded. A trial is trained on half of the folds first, and stopped there if its "
        "log loss is above the median of all others that came so far, once there are some. The "
        "values come from a tree-structured Parzen estimator (Bergstra et al., 2011). The best of "
        "many noisy scores is partly the luckiest: so the best trial is trained again with seeds "
        "that were not searched"
        + _at_length(tunings)
        + ". As it was, a recipe has the front-end and the base that were found before, where its "
        "search was begun with them."
    )
    for source, tuning in tunings.items():
        yield Heading(f"What was searched: {plain(tuning.name)}", 2, f"tuning-{tuning.name}")
        yield from sourced(_section(tuning, configurations), source)


def _at_length(tunings: Mapping[str, Tuning]) -> str:
    """Of which searches the best few were confirmed."""
    confirmed = [plain(each.name) for each in tunings.values() if each.told["confirmed"]]
    if not confirmed:
        return ""
    of = "" if len(confirmed) == len(tunings) else f", of {listed(confirmed)},"
    return f", and the best few{of} at full length beside the recipe as it was"


def _section(tuning: Tuning, configurations: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    told, name = tuning.told, tuning.name
    failed = [trial for trial in tuning.trials if trial.failed]
    stopped = len(tuning.trials) - len(tuning.whole) - len(failed)
    impossible = f" and {count(len(failed))} impossible to train" if failed else ""
    lost = 1 + max(trial.number for trial in tuning.trials) - len(tuning.trials)
    best = tuning.trial(told["best_trial"])
    fits: dict[str, float] = {}
    for trial in tuning.trials:  # one that was stopped has the first of the fits alone
        key = trial.fits or str(trial.number)
        fits[key] = max(trial.seconds, fits.get(key, 0.0))
    again, took = len(tuning.trials) - len(fits), sum(fits.values())
    heard = tuning.best.get("network", {}).get("texture", {}).get("share")
    alone = "" if heard else " Its networks had base and head alone, without a texture."
    yield Paragraph(
        f"{plural(len(tuning.trials), 'trial')} of {plural(tuning.space['epochs'], 'epoch')} each, "
        f"{count(stopped)} of them stopped early{impossible}"
        + (f", {count(again)} with values drawn before" if again else "")
        + (f"; {plural(lost, 'more trial')} came to no end" if lost else "")
        + f"; their fits took {duration(took)}. Trial "
        f"{best.number} has the least log loss, {decimals(best.score)} (accuracy "
        f"{percent(best.accuracy)}%).{alone} {_luck(tuning)}"
    )
    yield _space_table(tuning)
    if not told["confirmed"] and (chosen := tuning.chosen) and chosen is not best:
        yield Paragraph(
            f"Chosen is trial {chosen.number}: its log loss is {decimals(chosen.score)}, its "
            f"network has {plural(chosen.parameters, 'trainable parameter')}, that of trial "
            f"{best.number} {count(best.parameters)}."
        )
    if configurations:
        yield Paragraph(_used(tuning, configurations))
    yield Figure(
        f"tuning-{name}-history",
        searches.history(f"tuning-{name}-history", tuning.trials),
        "Out-of-fold log loss of each trial in the order that they were asked for, and the least "
        "so far. Hollow ones were stopped before their last fold and are of the folds that they "
        "had. An arrow at the upper edge stands for one that lies above.",
        f"{plural(len(tuning.trials) - len(failed), 'trial')}; the least log loss is "
        f"{decimals(best.score)}, of trial {best.number}.",
    )
    yield Figure(
        f"tuning-{name}-luck",
        searches.luck(f"tuning-{name}-luck", _named_seeds(tuning)),
        "Log loss of the best trial, and of the recipe as it was, with the seed of the search "
        "(filled) and with seeds that were not searched (hollow; their mean as a line).",
        _luck(tuning),
    )
    yield Figure(
        f"tuning-{name}-slices",
        searches.slices(f"tuning-{name}-slices", tuning.trials, tuning.values),
        "Log loss of whole trials against each value on its own, from end to end of what was "
        "searched; the filled one is the best, and arrows at the upper edge lie above. A tick "
        "below stands for a trial that was stopped.",
        "A panel for each value that was searched: " + ", ".join(tuning.values) + ".",
    )
    yield Figure(
        f"tuning-{name}-parallel",
        searches.parallel(f"tuning-{name}-parallel", tuning.trials, tuning.values),
        "Whole trials as lines through their values, each axis from end to end of what was "
        "searched; the darker a line, the lower its log loss.",
        f"{plural(len(tuning.whole), 'line')} through "
        f"{plural(len(tuning.values), 'axis', 'axes')}.",
    )
    if told["importances"]:
        yield Figure(
            f"tuning-{name}-importances",
            searches.importances(
                f"tuning-{name}-importances", told["importances"], told["importances_by_chance"]
            ),
            "How much each value tells the best whole trials from the other whole ones (PED-ANOVA; "
            "Watanabe, Bansal and Hutter, 2023), as a share of all. Up to the black mark a share "
            "is no more than what chance gives: 95 of 100 times, when the same scores are dealt to "
            "the trials at random. Trials that were stopped are not counted. "
            + _told_apart(told["importances"], told["importances_by_chance"]),
            "; ".join(f"{key}: {percent(share)}%" for key, share in told["importances"].items()),
        )
    if told["confirmed"]:
        yield _confirmed(tuning)
        yield Paragraph(_gained(tuning))


def _told_apart(shares: Mapping[str, float], by_chance: Mapping[str, Sequence[float]]) -> str:
    """Which importances are more than chance gives."""
    beyond = [key for key, share in shares.items() if share > by_chance[key][1]]
    if not beyond:
        return "No value goes beyond it."
    return f"Beyond it: {', '.join(code(key) for key in beyond)}."


def _named_seeds(tuning: Tuning) -> dict[str, list[float]]:
    seeds = tuning.told["new_seeds"]
    names = {"best": f"trial {tuning.told['best_trial']}", "as it is": "as it was"}
    return {names[key]: scores for key, scores in seeds.items()}


def _luck(tuning: Tuning) -> str:
    """What new seeds say of the best score, and of what it gained over the recipe as it was."""
    seeds = tuning.told["new_seeds"]
    searched, *new = seeds["best"]
    lucky = mean(new) - searched
    text = (
        f"With {plural(len(new), 'seed')} that were not searched the same recipe has "
        f"{decimals(mean(new))} ({_range(new)}): "
    )
    text += (
        f"{decimals(lucky)} of the best score was luck, {percent(lucky / searched)}% of it."
        if lucky > 0
        else "the best score was no luck."
    )
    if "as it is" not in seeds:
        return text
    first, *before = seeds["as it is"]
    gains = [was - now for was, now in zip(before, new, strict=True)]
    drift = mean(before) - first
    easier = (
        f", {decimals(drift)} more than with the searched one, though nobody picked it: so much "
        "of the luck is that this seed is an easy one, and no fruit of the search"
        if lucky > 0 and drift > 0
        else ""
    )
    return (
        f"{text} The recipe as it was has {decimals(mean(before))} ({_range(before)}) with these "
        f"seeds{easier}. Seed by seed {_gain(mean(gains))}, from {signed(min(gains))} to "
        f"{signed(max(gains))}."
    )


def _gain(gain: float) -> str:
    return f"{decimals(gain)} is gained" if gain > 0 else "nothing is gained"


def _range(scores: Sequence[float]) -> str:
    return f"{decimals(min(scores))} to {decimals(max(scores))}"


def _used(tuning: Tuning, configurations: Sequence[Mapping[str, Any]]) -> str:
    """Which configurations of the study have the values that were found."""
    using = [code(str(each["name"])) for each in configurations if tuning.has_values(each)]
    if not using:
        return "No configuration of this study has these values."
    have = f"{listed(using)} {'has' if len(using) == 1 else 'have'}"
    if tuning.kept:
        return f"The recipe as it was is kept; of the configurations of this study, {have} it."
    return f"Of the configurations of this study, {have} the chosen values."


def _space_table(tuning: Tuning) -> Table:
    start, best = tuning.told["start"], tuning.trial(tuning.told["best_trial"]).values
    chosen = tuning.told["parameters"]
    return Table(
        f"tuning-{tuning.name}-space",
        f"What was searched as {plain(tuning.name)}, and what was found.",
        [
            Column("value", align="left"),
            Column("searched", align="left", weight=1),
            Column("as it was"),
            Column("best trial"),
            Column("chosen"),
            Column("importance, %"),
        ],
        [
            [
                code(key),
                plain(_searched(searched)),
                plain(_short(json.dumps(start[key]))),
                plain(_short(best.get(key, NOTHING))),
                plain(_short(json.dumps(chosen[key]))) if key in chosen else NOTHING,
                percent(tuning.told["importances"].get(key)),
            ]
            for key, searched in tuning.values.items()
        ],
        note="Chosen: the smallest network among the best few within one standard error of the "
        "least log loss (Breiman et al., 1984); a dash where that is the recipe as it was."
        if tuning.told["confirmed"]
        else "Chosen: the smallest network among the trials within one standard deviation of the "
        "best one, by its seeds, the searched one among them (Breiman et al., 1984); it was not "
        "confirmed at full length here.",
    )


def _searched(searched: dict[str, Any]) -> str:
    if "choices" in searched:
        return ", ".join(json.dumps(choice) for choice in searched["choices"])
    text = f"{searched['low']:g} to {searched['high']:g}"
    if searched.get("log"):
        text += ", by ratio"
    return text + (f", in steps of {searched['step']:g}" if "step" in searched else "")


def _short(text: str) -> str:
    """A number to three digits, a whole one as it is; anything else as it is."""
    try:
        value = float(text)
    except ValueError:
        return text
    return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"


def _confirmed(tuning: Tuning) -> Table:
    measured = tuning.told["confirmed"]
    ranked = sorted(measured, key=lambda name: float(measured[name]["log_loss"]))
    return Table(
        f"tuning-{tuning.name}-confirmed",
        "The best few trials and the recipe as it was, trained at full length with several seeds: "
        "means over the seeds, out of fold, and the seeds' range.",
        [
            Column("recipe", align="left"),
            Column("trainable"),
            Column("log loss"),
            Column("its range"),
            Column("accuracy, %"),
            Column("its range"),
        ],
        [
            [
                plain(name),
                count(each["parameters_trainable"]),
                decimals(each["log_loss"]),
                _range(each["log_losses"]),
                percent(each["accuracy"]),
                f"{percent(min(each['accuracies']))} to {percent(max(each['accuracies']))}",
            ]
            for name in ranked
            for each in (measured[name],)
        ],
        note="As the best of these on the clips that they are scored on, the first is a little "
        "kind to itself.",
    )


def _gained(tuning: Tuning) -> str:
    """What the chosen recipe gained over the one as it was, at full length."""
    measured, chosen = tuning.told["confirmed"], tuning.told["chosen"]
    order = _order(tuning)
    if tuning.kept:
        return f"{order} {_kept(measured)} The recipe as it was is kept."
    now, was = measured[chosen], measured["as-it-is"]
    pairs = list(zip(was["log_losses"], now["log_losses"], strict=True))
    better = sum(before > after for before, after in pairs)
    less, gained = was["log_loss"] - now["log_loss"], now["accuracy"] - was["accuracy"]
    return (
        f"{order} At full length {plain(chosen)}, which is chosen, has a log loss of "
        f"{decimals(now['log_loss'])}, the recipe as it was one of {decimals(was['log_loss'])}: "
        f"{signed(less)}, lower with {count(better)} of {plural(len(pairs), 'seed')}. Its accuracy "
        f"differs by {points(gained)} points."
    )


def _kept(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Why none of the best few was chosen at full length."""
    was = measured["as-it-is"]
    better = any(each["log_loss"] < was["log_loss"] for each in measured.values())
    if not better:
        return "None of them is better than the recipe as it was."
    return "Those that are better are larger, and it is within one standard error of the best."


def _order(tuning: Tuning) -> str:
    """Whether what was best in the search, with fewer epochs, is best at full length."""
    measured, trial = tuning.told["confirmed"], tuning.told["best_trial"]
    best = f"trial-{trial}" if f"trial-{trial}" in measured else "as-it-is"  # trial 0 is that
    ahead = sum(each["log_loss"] < measured[best]["log_loss"] for each in measured.values())
    first = f"Trial {trial}, the best with {tuning.space['epochs']} epochs,"
    if not ahead:
        return f"{first} is the best at full length, too."
    return f"{first} comes {ordinal(ahead + 1)} of {worded(len(measured))} at full length."

"""The chapters before the results: what was asked and answered, and on which data."""

from collections import Counter
from collections.abc import Iterator, Mapping

from auricle.report import diagrams, plots
from auricle.report.document import (
    Block,
    Bullets,
    Cards,
    Column,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
)
from auricle.report.headlines import out_of_fold, tested, views
from auricle.report.observations import on_intervals, quoted
from auricle.report.procedure import share_a_recipe
from auricle.report.published import on_every_fold
from auricle.report.scores import Bounded
from auricle.report.sentences import extremes, ranking, told_apart
from auricle.report.study_files import Study
from auricle.report.why import why
from auricle.report.wording import (
    category,
    configurations,
    count,
    duration,
    interval,
    listed,
    percent,
    plural,
    with_interval,
    worded,
)

SHOWN = {"esc10": "ESC-10", "esc50": "ESC-50", "synth": "synthesised sounds"}
LISTED_FILES = 40


def shown_name(study: Study) -> str:
    """The data set as a reader knows it."""
    name = study.scores.dataset.name
    return SHOWN.get(name, name)


def summary(study: Study) -> Iterator[Block]:
    """The question, what the numbers answer, and the figures to remember."""
    yield Heading("Summary", 1, "summary")
    yield Paragraph(question(study))
    development, test = out_of_fold(study), tested(study)
    said = []
    if development:
        accuracies = quoted(study, development)
        said.append(_without_lead(ranking(accuracies, "out-of-fold")))
        said.append(_without_lead(told_apart(study.scores.comparisons)))
        if test and test.strategy != "esc5":
            said.append(on_test(quoted(study, test), test.title))
        said.append(on_every_fold(study))
        if share_a_recipe(study):
            said.append("All were trained by one recipe ([@training]).")
    elif test:
        said.append(_without_lead(ranking(quoted(study, test), f"({test.title})")))
    if not study.plan.get("test", True):
        said.append("The test fold was not read.")
    yield Paragraph(" ".join(sentence for sentence in said if sentence))
    if reasons := why(study):
        yield Paragraph(reasons)
    yield Cards(cards(study))
    shown = views(study)
    yield Figure(
        "accuracies",
        plots.accuracies(study.configurations, shown),
        "Accuracy of each configuration with its 95% interval: "
        f"{listed([view.title for view in shown])}. {on_intervals(study)}".rstrip(),
        "Dot plot of accuracies. "
        + " ".join(
            f"{each.name}: "
            + ", ".join(
                f"{v.title} {with_interval(r.accuracy)}%" for v in shown if (r := v.quoted(each))
            )
            + "."
            for each in study.configurations
        ),
    )


def on_test(accuracies: Mapping[str, Bounded], where: str) -> str:
    """The range of test accuracies, in a sentence."""
    values = {name: score.value for name, score in accuracies.items()}
    best, worst = extremes(values)
    if len(values) == 1 or best == worst:
        return f"On {where} accuracy is {with_interval(accuracies[best[0]])}%."
    return (
        f"On {where} accuracies go from {percent(values[worst[0]])}% ({configurations(worst)}) to "
        f"{percent(values[best[0]])}% ({configurations(best)})."
    )


def _without_lead(sentence: str) -> str:
    """An observation within running text: without the bold word that leads it."""
    return sentence.rpartition("** ")[2] if sentence.startswith("**") else sentence


def question(study: Study) -> str:
    """What the study's configurations ask of its data."""
    dataset = study.scores.dataset
    task = (
        f"{count(dataset.clips)} clips of {plain(shown_name(study))} belong to "
        f"{worded(len(dataset.categories))} categories. "
    )
    encoders = [each for each in study.configurations if each.blocks]
    plain_ones = [each for each in study.configurations if not each.blocks]
    heads = sorted({each.heads for each in encoders})
    if encoders and plain_ones:
        more = ", and does the number of its attention heads matter" if len(heads) > 1 else ""
        return (
            f"{task}Does a transformer encoder, written from scratch, classify them better than "
            f"fully-connected layers do on the same one-dimensional convolutional base{more}?"
        )
    if len(heads) > 1:
        return f"{task}Does the number of attention heads matter to a transformer on a 1-D CNN?"
    if len(study.configurations) > 1:
        names = configurations([each.name for each in study.configurations])
        return f"{task}Which of {names} classifies them best?"
    return f"{task}How well does {code(study.configurations[0].name)} classify them?"


def cards(study: Study) -> list[tuple[str, str, str]]:
    """Headline figures."""
    found = []
    for view in views(study):
        accuracies = quoted(study, view)
        best = extremes({name: score.value for name, score in accuracies.items()})[0]
        score = accuracies[best[0]]
        found.append(
            (
                f"highest accuracy, {view.title}",
                f"{percent(score.value)}%",
                f"{_holders(best)} {interval(score)}",
            )
        )
    smallest = min(study.configurations, key=lambda each: each.parameters["total"].trainable)
    largest = max(study.configurations, key=lambda each: each.parameters["total"].trainable)
    least, most = (each.parameters["total"].trainable for each in (smallest, largest))
    span = count(least) if least == most else f"{in_thousands(least)} – {in_thousands(most)}"
    fits = sum(fit.train_seconds for fit in study.fits)
    found.append(
        (
            "trainable parameters",
            span,
            f"{plain(smallest.name)} to {plain(largest.name)}"
            if smallest is not largest
            else plain(smallest.name),
        )
    )
    found.append(("training time", duration(fits), plural(len(study.fits), "fit")))
    return found


def _holders(names: list[str]) -> str:
    return plain(names[0]) if len(names) == 1 else f"{worded(len(names))} configurations alike"


def in_thousands(number: int) -> str:
    """299530 -> 300k; a number that this would not shorten, or millions, in full."""
    return f"{number / 1000:.0f}k" if 1000 <= number < 1_000_000 else count(number)


def data_and_protocol(study: Study) -> Iterator[Block]:
    """What was classified, what each fold was for, and what was left out."""
    yield Heading("Data and protocol", 1, "data")
    yield from data(study)
    yield from protocol(study)
    yield from left_out(study)


def data(study: Study) -> Iterator[Block]:
    """The clips, by category and fold, and how they look."""
    dataset = study.scores.dataset
    yield Heading("Data", 2, "clips")
    text = (
        f"The data set, {plain(shown_name(study))}, holds {plural(dataset.clips, 'clip')} in "
        f"{plural(len(dataset.categories), 'category', 'categories')} and "
        f"{plural(len(dataset.folds), 'fold')}, from {plural(dataset.recordings, 'recording')}. "
    )
    if dataset.name == "esc10":
        text += (
            "It is the part of ESC-50 with ten categories (Piczak, 2015), in its published folds. "
        )
    if dataset.recordings < dataset.clips:
        text += (
            "Clips cut from one recording are siblings and nearly alike. No named recording stands "
            "in two folds, so no network is scored on a sibling, by name, of what it was trained "
            "on, and intervals resample recordings, not clips."
        )
    else:
        text += "Every clip is a recording of its own."
    yield Paragraph(text + audited(study))
    yield _clip_table(study)
    seconds = study.plan.get("clip_s")
    if seconds:
        yield Paragraph(
            f"Every clip is decoded to one channel and made {seconds:g} s long: longer ones are "
            "cut to the stretch with most energy, shorter ones padded with silence at the end. "
            "[@pictures] shows one development clip of each category."
        )
    pictures = study.pictures
    yield Figure(
        "pictures",
        diagrams.class_pictures(pictures),
        "One development clip of each category: envelope of the wave, scaled to its peak, above "
        "its power in mel-spaced bands (bright is loud; all panels share one scale of "
        f"{diagrams.SHOWN_DB} dB)." + _first_shown(len(pictures.categories), diagrams.MOST_PANELS),
        "Waveform envelope and spectrogram of one clip of each category: "
        + ", ".join(
            f"{category(name)} ({file})"
            for name, file in zip(pictures.categories, pictures.files, strict=True)
        )
        + ".",
        source="pictures.npz",
    )


def audited(study: Study) -> str:
    """What comparing the sounds found to stand in two folds, though no named recording does."""
    found = study.evidence.get("audit")
    if found is None:
        return ""
    pairs = [*found.across(equal=True), *found.across(equal=False)]
    said = (
        f"one sound that two clips of different folds share for {pairs[0].shared_s:.1f} s"
        if len(pairs) == 1
        else f"{plural(len(pairs), 'pair')} of clips of different folds that share a sound"
        if pairs
        else "no sound in two folds"
    )
    if found.authors_astray:
        said += (
            f", and clips of {count(len(found.authors_astray))} of "
            f"{plural(found.authors, 'author')} in two folds or more"
        )
    closed = "" if found.test_fold in found.compared else ", the test fold left closed,"
    return f" Comparing their sounds ([@audit]){closed} found {said}."


def _first_shown(number: int, most: int) -> str:
    return f" Of {number} categories the first {most} are shown." if number > most else ""


def _clip_table(study: Study) -> Table:
    dataset = study.scores.dataset
    clips = Counter((row["category"], int(row["fold"])) for row in study.clips)
    recordings = {(row["category"], row["recording"]) for row in study.clips}
    of_category = Counter(name for name, _ in recordings)
    rows = [
        [
            plain(category(name)),
            count(sum(clips[name, fold] for fold in dataset.folds)),
            count(of_category[name]),
            *(count(clips[name, fold]) for fold in dataset.folds),
        ]
        for name in dataset.categories
    ]
    by_fold = [sum(clips[name, fold] for name in dataset.categories) for fold in dataset.folds]
    total = [sum(by_fold), sum(of_category.values()), *by_fold]
    rows.append(["**all**", *(f"**{count(number)}**" for number in total)])
    return Table(
        "categories",
        "Clips and recordings of each category, and clips in each fold.",
        [
            Column("category", align="left"),
            Column("clips"),
            Column("recordings"),
            *(
                Column(
                    f"{fold}" + (" (test)" if fold == dataset.test_fold else ""), "clips in fold"
                )
                for fold in dataset.folds
            ),
        ],
        rows,
        source="clips.csv",
    )


def protocol(study: Study) -> Iterator[Block]:
    """What each fold was to each network."""
    dataset = study.scores.dataset
    strategies = [str(name) for name in study.plan.get("strategies", [])]
    test = bool(study.plan.get("test"))
    development = listed([str(fold) for fold in dataset.development_folds])
    yield Heading("Protocol", 2, "protocol")
    yield Paragraph(
        f"Fold {dataset.test_fold} is the test fold, folds {development} are development. A *fit* "
        "is a new network with new weights, its own optimiser and its own normalisation "
        "statistics: nothing is fitted on a clip that it is scored on. The weights that are scored "
        "are those of the last epoch; no epoch is chosen by its score."
    )
    explained = {
        "kfold": f"`kfold`: {worded(len(dataset.development_folds))} networks, each trained on all "
        "development folds but one and validated on that one. Together they score every "
        "development clip once, *out-of-fold*.",
        "holdout": f"`holdout`: one training and one validation set, the member of `kfold` that "
        f"validates on fold {dataset.development_folds[0]}.",
        "refit": "`refit`: one network trained on all development folds, without validation.",
        "esc5": f"`esc5`: {worded(len(dataset.folds))} networks, each trained on all folds but one "
        "and tested on that one: the protocol of the literature.",
    }
    yield Bullets([explained[name] for name in strategies if name in explained])
    yield Figure(
        "roles",
        diagrams.fold_roles(dataset, strategies, test),
        "What each fold is to each network. All configurations share these splits."
        + ("" if test else " The test fold is left out."),
        "Diagram of folds and their roles. "
        + " ".join(
            f"{label}: " + ", ".join(f"fold {fold} {role}" for fold, role in roles.items()) + "."
            for label, roles in diagrams.fit_roles(dataset, strategies, test)
        ),
        source="study.toml",
    )
    yield Paragraph(_readings(study))
    if study.readings:
        yield Table(
            "readings",
            "Readings of the test fold that this study's folder records.",
            [
                Column("date", align="left"),
                Column("commit", align="left"),
                Column("recipe", align="left"),
                Column("reason", align="left"),
            ],
            [
                [
                    plain(row["date"]),
                    code(row["commit"]),
                    code(row["recipe_hash"]),
                    plain(row["reason"]),
                ]
                for row in study.readings
            ],
            source="test_reads.csv",
        )


def _readings(study: Study) -> str:
    # Evidence and certificates read it after the study was scored.
    number = max(study.scores.test_readings, len(study.readings))
    fold = study.scores.dataset.test_fold
    if not number:
        return f"Fold {fold} was not read: this report holds no score on it."
    times = {2: "twice"}.get(number, f"{worded(number)} times")
    told = "once, by this study" if number == 1 else f"{times}, this study included"
    return (
        f"Fold {fold} has been read {told}. Recipes, thresholds and comparisons use the "
        "development folds alone."
    )


def left_out(study: Study) -> Iterator[Block]:
    """Files that are not in the numbers, by name, and assumptions about those that are."""
    dataset = study.scores.dataset
    if not (study.skipped or study.ignored or study.unusual or dataset.notes):
        return
    yield Heading("What was left out or assumed", 2, "left-out")
    if dataset.notes:
        yield Bullets(
            [plain(note[:1].upper() + note[1:].rstrip(".") + ".") for note in dataset.notes]
        )
    if study.ignored:
        yield Paragraph(
            f"{plural(len(study.ignored), 'file')} met in the folder "
            f"{'is' if len(study.ignored) == 1 else 'are'} no audio or hidden, and ignored: "
            + _named([row["file"] for row in study.ignored])
        )
    if study.skipped:
        yield Paragraph(
            f"{plural(len(study.skipped), 'clip')} could not be used and "
            f"{'was' if len(study.skipped) == 1 else 'were'} left out, as asked with "
            "`--skip-bad`:"
        )
        yield Table(
            "skipped",
            f"Clips left out{_first_listed(len(study.skipped))}.",
            [Column("file", align="left"), Column("reason", align="left")],
            [[code(row["file"]), plain(row["reason"])] for row in study.skipped[:LISTED_FILES]],
            source="skipped.csv",
        )
    if study.unusual:
        yield Table(
            "unusual",
            f"Clips that are used though they are unusual{_first_listed(len(study.unusual))}.",
            [Column("file", align="left"), Column("what is unusual", align="left")],
            [[code(row["file"]), plain(row["remark"])] for row in study.unusual[:LISTED_FILES]],
            source="unusual.csv",
        )


def _named(files: list[str]) -> str:
    named = ", ".join(code(file) for file in files[:LISTED_FILES])
    return f"{named}{_first_listed(len(files))}."


def _first_listed(number: int) -> str:
    return f" (the first {LISTED_FILES} of {number})" if number > LISTED_FILES else ""

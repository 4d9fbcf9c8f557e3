"""What was classified, what each fold was for, and what was left out."""

from collections import Counter
from collections.abc import Iterator

from auricle.evaluation.intervals import RESAMPLES
from auricle.report import diagrams
from auricle.report.document import (
    Block,
    Bullets,
    Column,
    Figure,
    Heading,
    Paragraph,
    Table,
    code,
    plain,
)
from auricle.report.editions import replaced
from auricle.report.study_files import Study
from auricle.report.wording import (
    category,
    count,
    listed,
    plural,
    worded,
)

SHOWN = {"esc10": "ESC-10", "esc50": "ESC-50", "synth": "synthesised sounds"}
LISTED_FILES = 40


def shown_name(study: Study) -> str:
    """The data set as a reader knows it."""
    name = study.scores.dataset.name
    return SHOWN.get(name, name)


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
        "are those of the last epoch (their running average, where a recipe has one); no epoch is "
        "chosen by its score."
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
    yield Paragraph(_statistics(study))
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
    yield from replaced(study)


def _statistics(study: Study) -> str:
    """How intervals and tests are made."""
    text = (
        "**Intervals** of 95% are percentile bootstraps (Efron and Tibshirani, 1993): recordings "
        f"are drawn anew within each category, {count(RESAMPLES)} times; where no clip is wrong, "
        "they are those of Clopper and Pearson (1934) on recordings."
    )
    if study.scores.comparisons:
        text += (
            " **Tests** between configurations turn the signs of what one gains over the other, "
            "recording by recording ([@pairs])."
        )
    return text


def _readings(study: Study) -> str:
    # Evidence and certificates read it after the study was scored.
    number = max(study.scores.test_readings, len(study.readings))
    fold = study.scores.dataset.test_fold
    if not number:
        return f"Fold {fold} was not read: this report holds no score on it."
    several = any(row["date"].startswith("before") for row in study.readings)
    times = {2: "twice"}.get(number, f"{worded(number)} times")
    told = "once, by this study" if number == 1 else f"{times}, this study included"
    if several:
        told = f"at least {times}, this study included: the first row stands for several readings"
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
            f"{'is' if len(study.ignored) == 1 else 'are'} hidden or no audio, and ignored: "
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

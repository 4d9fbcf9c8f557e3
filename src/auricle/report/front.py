"""The first page: what was asked and what the answer is."""

from collections.abc import Iterator, Mapping

from auricle.report import plots
from auricle.report.basis import shown_name
from auricle.report.comparison import events_alone
from auricle.report.document import (
    Block,
    Cards,
    Figure,
    Heading,
    Paragraph,
    code,
    plain,
)
from auricle.report.editions import led_before
from auricle.report.groups import but_for_heads, kindness, one_texture, pairs_that_tell
from auricle.report.headlines import out_of_fold, tested, views
from auricle.report.observations import on_intervals, quoted
from auricle.report.procedure import share_a_recipe
from auricle.report.published import on_every_fold
from auricle.report.scores import Bounded
from auricle.report.sentences import extremes, ranking, told_apart
from auricle.report.study_files import Study
from auricle.report.why import why
from auricle.report.wording import (
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
        said.append(pairs_that_tell(study, short=True))
        if led := led_before(study):
            said.append(f"Before fits were trained anew, {led} led ([@replaced]).")
        said.append(kindness(study, short=True))
        said.append(shared_texture(study))
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


def shared_texture(study: Study) -> str:
    """How much of every answer is none of the architecture's, and what is left without it."""
    textures = [
        study.recipe(each.name).get("network", {}).get("texture", {}).get("share", 0.0)
        for each in study.configurations
    ]
    if len(textures) < 2 or len({*textures}) > 1 or not textures[0]:
        return ""
    shared = ", which all share" if one_texture(study) else ""
    text = f"{textures[0]:.0%} of each answer is a texture's{shared} ([@texture])"
    names = [each.name for each in study.configurations]
    alone = zip(names, events_alone(study), strict=False)  # nothing where it was not asked
    known = {name: each.value for name, each in alone if each}
    if len(known) < len(names):
        return f"{text}."
    best, worst = extremes(known)
    return (
        f"{text}: by base and head alone accuracies go from {percent(known[worst[0]])}% "
        f"({configurations(worst)}) to {percent(known[best[0]])}% ({configurations(best)})."
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
    heads = sorted({each.heads for each in but_for_heads(study)})
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
    best: list[str] = []
    for view in views(study):
        accuracies = quoted(study, view)
        which = "accuracy" if best else "highest accuracy"  # no best is picked on the test fold
        best = best or extremes({name: score.value for name, score in accuracies.items()})[0]
        told = [accuracies[name] for name in best]
        ends = dict.fromkeys(percent(end(s.value for s in told)) for end in (min, max))
        of = f"{_holders(best)} {interval(told[0])}" if len(ends) == 1 else _holders(best)
        found.append((f"{which}, {view.title}", f"{' – '.join(ends)}%", of))
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

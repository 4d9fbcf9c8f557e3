"""How networks are trained: the procedure, and every value of the recipes."""

import json
from collections.abc import Iterator
from typing import Any

from auricle.report.document import Block, Column, Heading, Paragraph, Table, code, plain
from auricle.report.formulas import formula
from auricle.report.headlines import textured
from auricle.report.study_files import Study
from auricle.report.wording import NOTHING, configurations, listed

MEANINGS = {
    "epochs": "passes over the training clips",
    "views": "augmented views of a clip in an epoch",
    "batch": "views in a step",
    "learning_rate": "peak learning rate of AdamW",
    "weight_decay": "decay of matrices and kernels",
    "warm_up": "share of the steps that the rate rises",
    "gradient_norm": "gradients are clipped to this norm",
    "averaging": "horizon of the running average of weights, as a share of the steps",
    "precision": "arithmetic; auto takes bf16 where the processor is fast at it",
    "stretch": "speed, up to this share faster or slower",
    "band_shift": "shift along the mel scale, up to this many bands",
    "equaliser_db": "random smooth gain over the bands, dB",
    "mixing": "share of views that are mixed with another clip",
    "mixing_ends": "share of training after which mixing fades out",
    "noise_low_db": "lowest ratio of sound to added noise, dB",
    "noise": "share of views that get noise",
    "masks": "stretches masked, of each kind",
    "mask_bands": "widest mask, in bands",
    "mask_frames": "longest mask, in frames",
    "step_dropout": "share of the steps that training hides from the head",
    "window": "of a spectrum, samples",
    "bands": "of a spectrum",
    "floor_db": "floor of the spectrum, dB",
    "frequency_kernels": "kernels along frequency",
    "time_kernels": "kernels along time, between those",
    "widths": "of the stages along time",
    "blocks": "of the encoder",
    "dropout": "share left out of what a block adds",
    "quiet": "what layer normalisation adds to a token's variance",
    "texture_noise_low_db": "lowest ratio of sound to noise that the texture hears, dB",
}


def training(study: Study) -> Iterator[Block]:
    """The procedure, with every value of the recipes."""
    yield Heading("Training", 2, "training")
    yield Paragraph(
        f"{_who_learns(study)} start from new weights and minimise the cross-entropy between the "
        "softmax of their logits and the (mixed) label, with AdamW (Loshchilov and Hutter, 2019). "
        "The rate "
        "follows one cycle (Smith and Topin, 2019): a cosine up to its peak and a longer one down "
        "to nothing. Gradients are clipped. What is scored is a running average of the weights, "
        "statistics of batch normalisation included."
    )
    yield Paragraph(
        "A training clip is never seen twice alike. A view is played faster or slower, as a loop "
        "that begins anywhere, shifted along the mel scale, equalised at random and masked (Park "
        "et al., 2019); a share of the views is put into noise. A share of them holds two clips of "
        "different categories, brought to one A-weighted loudness and mixed in the ratio *r*; "
        "their labels are mixed alike (Tokozume et al., 2018). On powers *P* of unrelated sounds, "
        "which add, that is:"
    )
    yield formula("mixing")
    yield Paragraph(
        f"[@settings] holds the values of training and augmentation.{_one_recipe(study)}"
    )
    recipes = {each.name: study.recipe(each.name) for each in study.configurations}
    yield _settings(recipes)


def _who_learns(study: Study) -> str:
    return "Base and head of every network" if textured(study) else "All networks"


def share_a_recipe(study: Study) -> bool:
    """Whether several configurations are trained and augmented alike to the last value."""
    recipes = [study.recipe(each.name) for each in study.configurations]
    first, *others = [[each.get(part) for part in ("training", "augment")] for each in recipes]
    return bool(others) and all(each == first for each in others)


def _one_recipe(study: Study) -> str:
    """What it means for a comparison that its configurations share a recipe."""
    if not share_a_recipe(study):
        return _most_share(study)
    text = (
        " All configurations share them, the learning rate too: they are compared under equal "
        "training, not each under the one that suits it best."
    )
    if study.tried and len({bool(each.blocks) for each in study.configurations}) == 2:
        text += (
            " Most of what they were found by was tried without an encoder ([@tried]); one found "
            "for it might serve it better."
        )
    return text


def _most_share(study: Study) -> str:
    """Who shares training and augmentation, where not all do."""
    groups: dict[str, list[str]] = {}
    for each in study.configurations:
        recipe = study.recipe(each.name)
        told = json.dumps([recipe.get("training"), recipe.get("augment")], sort_keys=True)
        groups.setdefault(told, []).append(each.name)
    together = [configurations(names) for names in groups.values() if len(names) > 1]
    return f" {'; '.join(together)} share them." if together else ""


def _settings(recipes: dict[str, dict[str, Any]]) -> Table:
    """One column if all recipes agree, else one for each group that does."""
    tables = {name: _told(recipe) for name, recipe in recipes.items()}
    pairs = list(dict.fromkeys(pair for told in tables.values() for pair in told))
    pairs = [pair for pair in pairs if pair[0] in TRAINED or _differs(pair, tables)]
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, told in tables.items():
        groups.setdefault(tuple(told.get(pair, NOTHING) for pair in pairs), []).append(name)
    several = len(groups) > 1
    rows = []
    for at, (section, key) in enumerate(pairs):
        cells = [values[at] for values in groups]
        shown = [f"**{cell}**" for cell in cells] if len({*cells}) > 1 else cells
        rows.append([code(key), section, MEANINGS.get(key, ""), *shown])
    bold = " Bold where configurations differ." if several else ""
    return Table(
        "settings",
        "Settings of training and augmentation, as resolved from the recipes, and values of the "
        f"networks that differ.{bold}",
        [
            Column("setting", align="left"),
            Column("of", align="left"),
            Column("meaning", align="left", weight=1 if several else 0),
            *(Column("\n".join(names) if several else "value") for names in groups.values()),
        ],
        rows,
        dense=True,
        source="study.toml",
    )


TRAINED = ("training", "augment")
"""Parts of a recipe that are told whole; of the network those values alone that differ."""


def _told(recipe: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Values by part and key; those of an encoder but its heads, which the section on it tells."""
    network = recipe.get("network", {})
    parts = {part: recipe.get(part, {}) for part in TRAINED}
    parts["network"] = {k: v for k, v in network.items() if not isinstance(v, dict)}
    parts |= {part: network.get(part, {}) for part in ("frontend", "base")}
    if network.get("encoder", {}).get("blocks"):
        parts["encoder"] = {k: v for k, v in network["encoder"].items() if k != "heads"}
    return {
        (part, key): _shown(value)
        for part, values in parts.items()
        for key, value in values.items()
    }


def _differs(pair: tuple[str, str], tables: dict[str, dict[tuple[str, str], str]]) -> bool:
    """Whether the configurations that have a value have different ones."""
    return len({told[pair] for told in tables.values() if pair in told}) > 1


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "–" if value is None else str(value).lower()
    if isinstance(value, list):
        return listed([_shown(each) for each in value])
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else plain(value)

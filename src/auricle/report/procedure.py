"""How networks are trained: the procedure, and every value of the recipes."""

from collections.abc import Iterator
from typing import Any

from auricle.report.document import Block, Column, Heading, Paragraph, Table, code, plain
from auricle.report.formulas import formula
from auricle.report.headlines import textured
from auricle.report.study_files import Study

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
        "A training clip is never seen twice alike. A view is played faster or slower, as a "
        "loop that begins anywhere, shifted along the mel scale, equalised at random, put into "
        "noise and masked (Park et al., 2019). A share of the views holds two clips of different "
        "categories, brought to one A-weighted loudness and mixed in the ratio *r*; their labels "
        "are mixed alike (Tokozume et al., 2018). On powers *P* of unrelated sounds, which add, "
        "that is:"
    )
    yield formula("mixing")
    yield Paragraph(f"[@settings] holds every value.{_one_recipe(study)}")
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
        return ""
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


def _settings(recipes: dict[str, dict[str, Any]]) -> Table:
    """One column if all recipes agree, else one a configuration."""
    keys = [
        (section, key)
        for section in ("training", "augment")
        for key in dict.fromkeys(k for recipe in recipes.values() for k in recipe.get(section, {}))
    ]
    values = {
        pair: [_shown(recipe.get(pair[0], {}).get(pair[1])) for recipe in recipes.values()]
        for pair in keys
    }
    differ = {pair for pair, found in values.items() if len(set(found)) > 1}
    shown = [*recipes] if differ else []
    rows = []
    for pair in keys:
        found = values[pair]
        cells = [f"**{v}**" for v in found] if pair in differ else found
        meaning = MEANINGS.get(pair[1], "")
        rows.append([code(pair[1]), pair[0], meaning, *(cells if shown else cells[:1])])
    bold = " Bold where configurations differ." if differ else ""
    return Table(
        "settings",
        f"Settings of training and augmentation, as resolved from the recipes.{bold}",
        [
            Column("setting", align="left"),
            Column("of", align="left"),
            Column("meaning", align="left"),
            *(Column(name) for name in (shown or ["value"])),
        ],
        rows,
        dense=True,
        source="study.toml",
    )


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "–" if value is None else str(value).lower()
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else plain(value)

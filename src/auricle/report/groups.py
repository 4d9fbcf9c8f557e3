"""Which configurations differ in what: a score tells of a part only where nothing else differs."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from auricle.evidence.texture import OF_FRONTEND
from auricle.report.document import code
from auricle.report.scores import Configuration
from auricle.report.study_files import Study
from auricle.report.wording import configurations, listed

PARTS = {
    "front-end": ("network", "frontend"),
    "base": ("network", "base"),
    "training": ("training",),
    "augmentation": ("augment",),
}


def but_for_heads(study: Study) -> list[Configuration]:
    """Transformers whose recipes differ in nothing but their heads: the largest such group."""

    def rest(recipe: dict[str, Any]) -> dict[str, Any]:
        recipe.get("network", {}).get("encoder", {}).pop("heads", None)
        return recipe

    encoders = [each for each in study.configurations if each.blocks]
    return max(grouped(study, encoders, rest), key=len, default=[])


def but_for_the_head(study: Study) -> list[list[Configuration]]:
    """Configurations by all of their recipes but what follows the base."""

    def rest(recipe: dict[str, Any]) -> dict[str, Any]:
        recipe.get("network", {}).pop("encoder", None)
        return recipe

    return grouped(study, list(study.configurations), rest)


def grouped(
    study: Study, among: list[Configuration], rest: Callable[[dict[str, Any]], Any]
) -> list[list[Configuration]]:
    """Configurations by what is left of their recipes, names aside, in the order of the study."""
    groups: dict[str, list[Configuration]] = {}
    for each in among:
        recipe = copy.deepcopy(study.recipe(each.name))
        recipe.pop("name", None)
        groups.setdefault(json.dumps(rest(recipe), sort_keys=True), []).append(each)
    return list(groups.values())


def pairs_that_tell(study: Study, *, short: bool = False) -> str:
    """Which pairs differ in the head alone, and what others differ in; nothing if all are alike."""
    groups = but_for_the_head(study)
    together = [[each.name for each in group] for group in groups if len(group) > 1]
    if len(groups) == 1:
        return ""
    differ = []
    for words, path in PARTS.items():
        values = set()
        for group in groups:
            value: Any = study.recipe(group[0].name)
            for key in path:
                value = value.get(key, {})
            values.add(json.dumps(value, sort_keys=True))
        differ += [words] if len(values) > 1 else []
    if not differ:
        return ""
    others = f"differ in {listed(differ)} too, or in some of these"
    if not together:
        return f"All of them {others}: no pair tells what the head alone is worth."
    alone = "; or ".join(configurations(names) for names in together)
    if short:
        return f"Only pairs of {alone} differ in nothing but the head ([@pairs])."
    return (
        f"Only pairs of {alone} differ in nothing but the head. Others {others}, and tell of all "
        "that together."
    )


def searched(study: Study) -> list[str]:
    """Configurations that have values which a search of the study found, not those it kept."""
    finds = [tuning for tuning in study.tunings if not tuning.kept]
    return [
        each.name
        for each in study.configurations
        if any(tuning.has_values(study.recipe(each.name)) for tuning in finds)
    ]


def kindness(study: Study, *, short: bool = False) -> str:
    """What searches on the clips that score make of the scores of what they found."""
    names = searched(study)
    if not names:
        return ""
    if short:
        return f"Searches on these same clips picked values of {configurations(names)} ([@tuning])."
    return (
        f"Values of {configurations(names)} were picked by searches on these same clips "
        f"([@tuning]): out-of-fold {'its scores are' if len(names) == 1 else 'their scores are'} "
        "a little kind, and no p takes account of it."
    )


def one_texture(study: Study) -> bool:
    """Whether the texture of one seed answers alike in all configurations."""
    heard = set()
    for each in study.configurations:
        recipe = study.recipe(each.name)
        network = recipe.get("network", {})
        frontend = network.get("frontend", {})
        told = (
            network.get("texture"),
            [frontend.get(key) for key in OF_FRONTEND],
            recipe.get("augment", {}).get("texture_noise_low_db"),
        )
        heard.add(json.dumps(told, sort_keys=True))
    return len(heard) == 1


def with_owners(values: Mapping[str, str]) -> str:
    """A value of most configurations, others in brackets with whose they are: `0.1 (1 in `a`)`."""
    told = list(dict.fromkeys(values.values()))
    most = max(told, key=lambda value: list(values.values()).count(value))
    others = [
        f"{value} in {listed([code(name) for name, own in values.items() if own == value])}"
        for value in told
        if value != most
    ]
    return f"{most} ({'; '.join(others)})" if others else most

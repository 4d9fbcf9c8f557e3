"""What the configurations of a study never reach, and what is said otherwise in a file of its own.

A source that changes has to be looked at again: `prune` refuses what it does not find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auricle.study.recipe import Recipe
from auricle.submission.prune import Pruning, pruned

Prunings = dict[str, Pruning]

ALWAYS: Prunings = {
    "auricle.network.base": Pruning(
        words={"soonest (docs/speed.md has the ratio).": "soonest."},
    ),
    "auricle.network.attention": Pruning(words={" (docs/ablation.md).": "."}),
    "auricle.network.texture": Pruning(  # every sound is of a known category here
        words={
            '        self.register_buffer("typical", torch.zeros(classes, count))\n': "",
            '        self.register_buffer("spread", torch.full((count,), FAR))\n': "",
            "    typical: Tensor\n    spread: Tensor\n": "",
        },
        unused=("Texture.strangeness", "Texture.remember"),
    ),
    "auricle.training.sounds": Pruning(
        words={
            "as they are and under noise, and what they are like.": "as they are and under noise.",
            "        texture.remember(self.statistics, targets)\n": "",
        },
    ),
    "auricle.data.store": Pruning(
        words={
            " A worker process is handed its path, not its data.": "",
            "or name another folder in AURICLE_CACHE": "or give another --out",
        },
        unused=("WaveStore.__reduce__",),
    ),
    "auricle.data.clips": Pruning(
        words={
            "; name files from the table's folder, or --root": "; name files from that folder",
            "    columns: Columns | None,\n    root: Path,\n": "    columns: Columns,\n"
            "    root: Path,\n",
        },
        settled={("_read_csv", "columns is None"): False},
    ),
    "auricle.study.recipe": Pruning(
        words={"that cannot be a folder of its own in a study's.": "that cannot be a folder's."},
    ),
    "auricle.training.fit": Pruning(  # one process alone
        words={
            "    ranks = find_ranks()\n": "",
            "    begun, state = ranks.leaders((len(history), optimiser.state_dict()))\n"
            "    if not ranks.leads:\n"
            "        optimiser.load_state_dict(state)\n"
            "    classify = ranks.classifier(network)\n": "",
            "range(begun, config.epochs)": "range(len(history), config.epochs)",
            "        for at, batch in enumerate(": "        for at, rows in enumerate(",
            "            rows = ranks.share(batch)\n": "",
            "DROPOUT, *ranks.place())": "DROPOUT)",
            "epoch, at, *ranks.place()),\n": "epoch, at),\n",
            "logits = classify(power)": "logits, _ = network.classify(power)",
            " * ranks.weight(batch)": "",
            "loss.item() * len(batch)": "loss.item() * len(rows)",
            "        objective = ranks.mean(objective)\n": "",
            "        if not ranks.leads:\n            continue\n": "",
            " Of several processes (`ranks`) the first does so.": "",
            '; lower "\n                "training.learning_rate"\n': '; lower its learning rate"\n',
        },
    ),
    "auricle.study.protocol": Pruning(
        words={
            'Literal["kfold", "refit", "esc5"]': 'Literal["kfold", "refit"]',
            ", and the first\n    of `esc5` is `refit`.": ".",
            'if {"refit", "esc5"} & set(strategies):': 'if "refit" in strategies:',
        },
        settled={("splits", "'esc5' in strategies"): False},
    ),
    "auricle.study.scores": Pruning(
        words={
            "    kfold, rest = ([m for m in own if m.strategy == name] for name in "
            '("kfold", "esc5"))\n': '    kfold = [m for m in own if m.strategy == "kfold"]\n',
        },
        settled={("_of_seed", "'esc5' in strategies"): False},
    ),
}

FIXED: Prunings = {
    "auricle.network.frontend": Pruning(
        words={
            ": fixed ones are the network's non-trainable parameters, learned\n"
            "ones start from the same values and move. `raw` starts from nothing: strided "
            "convolutions on the\nwave itself.": ", the network's non-trainable parameters.",
            'Literal["fixed", "learned", "raw"]': 'Literal["fixed"]',
            "-> MelSpectrum | RawStack:": "-> MelSpectrum:",
            'RawStack(config) if config.kind == "raw" else MelSpectrum(config)': "MelSpectrum"
            "(config)",
            "by convolution, fixed or learned.": "by convolution.",
            '        learned = config.kind == "learned"\n': "",
            "fourier_kernels(config.window), requires_grad=learned": "fourier_kernels"
            "(config.window), requires_grad=False",
            "band_weights(config), requires_grad=learned": "band_weights(config), "
            "requires_grad=False",
        },
        settled={
            (
                "FrontendConfig.__post_init__",
                "self.kind == 'raw' and self.hop % RAW_FIRST_STRIDES",
            ): False,
            ("FilterBank._bins", "self.config.kind == 'learned'"): False,
        },
    ),
    "auricle.training.augment": Pruning(
        words={
            "    wave (batch, samples)                       -> wave (batch, samples), targets "
            "(batch, classes)\n": "",
            " A fixed filter bank lets views be made of powers, ten times cheaper than of\nwaves; "
            "a front-end that learns needs waves.": " Views of powers are ten times cheaper\nthan "
            "views of waves.",
            "    Views of waves are stretched, shifted and mixed; what is done to bands needs "
            "powers. The texture\n    hears each clip as it is and once under steady noise, "
            "`texture_noise_low_db` or more below it.\n": "    The texture hears each clip as it "
            "is and once under steady noise, `texture_noise_low_db` or\n    more below it.\n",
        },
    ),
    "auricle.training.sounds": Pruning(
        words={
            "powers where the filter bank is fixed, waves where it learns.": "powers of its filter "
            "bank, and statistics of texture.",
        },
        settled={("Sounds.views", "self.powers is not None"): True},
    ),
}

CHOOSING: Prunings = {
    "auricle.network.attention": Pruning(
        words={
            "        self.attention: MultiHeadAttention | Averaging\n": "",
            " `attends` and `class_token` are switched off in controls that ask what\n"
            "    either is worth.\n": "\n",
            "nn.Parameter(torch.randn(width) * 0.02) if config.class_token else None": "nn."
            "Parameter(torch.randn(width) * 0.02)",
            "tokens.mean(1) if self.class_token is None else tokens[:, 0]": "tokens[:, 0]",
            "its class token; without one, into the mean of its steps.": "its class token.",
            "        tokens = steps\n": "",
        },
        settled={
            ("EncoderBlock.__init__", "config.attends"): True,
            ("Encoder.encode", "self.class_token is not None"): True,
        },
    ),
}


@dataclass(frozen=True)
class Kept:
    """What is left out where all recipes keep to something; the file holds them to it, too."""

    prunings: Prunings
    keeps: Callable[[Recipe], bool]
    written: str


GROUPS = (
    Kept(
        FIXED,
        lambda recipe: recipe.network.frontend.kind == "fixed",
        'all(each.network.frontend.kind == "fixed" for each in RECIPES)',
    ),
    Kept(
        CHOOSING,
        lambda recipe: recipe.network.encoder.attends and recipe.network.encoder.class_token,
        "all(each.network.encoder.attends for each in RECIPES)\n"
        "assert all(each.network.encoder.class_token for each in RECIPES)",
    ),
)


def groups_for(recipes: Sequence[Recipe]) -> list[Kept]:
    """What these recipes allow to be left out."""
    return [group for group in GROUPS if all(map(group.keeps, recipes))]


def editor(recipes: Sequence[Recipe]) -> Callable[[str, str], str]:
    """What becomes of a module's source, by the module's name."""
    found = [ALWAYS, *(group.prunings for group in groups_for(recipes))]

    def edit(module: str, source: str) -> str:
        return pruned(source, [each[module] for each in found if module in each])

    return edit

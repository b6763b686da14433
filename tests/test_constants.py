"""Every constant at the top of the five scripts: changed, it touches exactly the committed runs that use it."""

import constants
import pytest
from conftest import ROOT

from ser_keras.runs import results as store
from ser_keras.runs.checking import Checker
from ser_keras.support.variant import recipe_of

pytestmark = pytest.mark.slow


def under(*protocols):
    return lambda protocol, recipe: protocol in protocols


def of(*starts):
    return lambda protocol, recipe: recipe.startswith(starts)


def but(*recipes):
    return lambda protocol, recipe: recipe not in recipes


def none(protocol, recipe):
    return False


def having(*words, without=()):
    return lambda protocol, recipe: all(w in recipe for w in words) and not any(w in recipe for w in without)


def together(*rules):
    return lambda protocol, recipe: all(rule(protocol, recipe) for rule in rules)


def having_one(*words):
    return lambda protocol, recipe: any(w in recipe for w in words)


COURSE = ("_lab", "_together")  # Cournut's readings with the course's mspec
COPIES = under("paper", "split_first", "speaker_independent")  # where Boucheta's copies are
# What a constant touches; of those not named, every committed run. `none` are constants of readings that have no
# committed runs, of the demo corpus, of drawings, and those that an assertion holds for whole corpora alone.
TOUCHED = {
    "boucheta2025": {
        **dict.fromkeys(("NOISE", "SEMITONES"), COPIES),
        **dict.fromkeys(("SHIFT", "STRETCH"), together(COPIES, having(without=("notebook",)))),
        **dict.fromkeys(("NOTEBOOK_SHIFT", "NOTEBOOK_STRETCH"), having("notebook")),
        "N_MFCC": having(without=("_20",)),
        "NOTEBOOK_MFCC": having("_20"),
        "FRAMES": having("flatten", without=("notebook",)),
        "NOTEBOOK_FRAMES": having("flatten_notebook"),
        "NEIGHBOURS": of("knn"),
        **dict.fromkeys(("LEARNING_RATE", "EPOCHS", "PATIENCE", "VALIDATION"), of("cnn")),
        "PARAMETERS": of("cnn_flatten"),
        "TEST": under("paper", "split_first", "originals_only"),
        **dict.fromkeys(("VALUES", "SHOWN_RATE", "SHOWN_FILTERS", "SHOWN_UP_TO"), none),
    },
    "jin2022": {
        **dict.fromkeys(("NOTEBOOK_RATE", "NOTEBOOK_OFFSET", "NOTEBOOK_SECONDS"), none),
        **dict.fromkeys(("NOTEBOOK_FRAMES", "NOTEBOOK_BATCH", "SHORTER", "MFCC", "READINGS"), none),
        "TEST": under("paper"),
        "LEAKING_TEST": under("augment_before_split"),
    },
    "cournut2017": {
        "UTTERANCES": under("random_windows"),
        "HOP": having(without=COURSE),
        **dict.fromkeys(("LAB_HOP", "LAB_RATE"), having_one(*COURSE)),
        **dict.fromkeys(("SPEAKERS", "NEIGHBOURS", "STACKED"), none),
        **dict.fromkeys(("CEPSTRA", "LIFTER"), of("mfcc")),
    },
    "varshney2025": {
        "TEXT_BANDS": of("rows82"),
        "CONTRAST_BANDS": but("rows82"),
        **dict.fromkeys(("CHANGED", "GAINED", "TIME_MASK", "FREQUENCY_MASK", "NOISE", "GAIN"), but("text")),
        **dict.fromkeys(("LOWEST", "HIGHEST", "STEP"), but("text")),
        "QUICK_MOMENTUM": of("steady_averages"),
        "TEST": under("paper"),
        "UNSEEN": under("paper"),
        **dict.fromkeys(("ROWS", "ACTORS", "SIZES", "AUTHORS_SEED", "CODE"), none),
    },
    "tripathi2019": {
        **dict.fromkeys(("IMPROVISED", "IEMOCAP_UTTERANCES", "OTHER_GAMMAS"), none),
        "N_MFCC": of("mfcc"),
        "GAMMA": of("mel_focal", "mfcc_focal"),
    },
}


@pytest.mark.parametrize("paper", sorted(TOUCHED))
def test_a_changed_constant_touches_the_runs_that_use_it(paper, tmp_path):
    folder = ROOT / "reproductions" / paper
    source = (folder / "run.py").read_text(encoding="utf-8")
    records = {}
    for cell in store.from_published(folder / "results").cells:
        if not cell.get("differs"):
            key = (cell["cell"]["protocol"], recipe_of(cell["cell"]["variant"]), cell["what"]["training"]["epochs"])
            records.setdefault(key, cell)
    wrong = []
    seen = set()
    for name, position, literal in constants.leaves(source):
        place = tmp_path / f"{name}{position}" / paper
        place.mkdir(parents=True)
        try:
            checker = Checker(constants.experiment(constants.changed(source, literal), place))
        except IndexError:
            assert name == "COPIES"  # the place of a number within another constant
            continue
        touched = {key[:2] for key, record in records.items() if checker.differing(record)}
        expected = TOUCHED[paper].get(name, lambda protocol, recipe: True)
        # A constant may consist of several numbers, some of which count for one recipe: SHAPES, say.
        if name in SEVERAL.get(paper, ()):
            seen |= {name} if touched else set()
        elif touched != {key[:2] for key in records if expected(*key[:2])}:
            wrong.append((name, position, literal.value, sorted(touched)))
    assert not wrong
    assert seen == set(SEVERAL.get(paper, ()))


SEVERAL = {
    "boucheta2025": ("COPIES", "MODELS"),
    "jin2022": ("EPOCHS",),
    "cournut2017": ("SHAPES", "UNITS"),
    "varshney2025": ("NO_DROPOUT",),
}

"""Planning: which runs there are, under which names, and when a finished one counts."""

from dataclasses import asdict, replace

import pandas as pd
import pytest
from conftest import flat_model, load_run

from ser_keras.protocols import Logged, ScoredOn
from ser_keras.runs import planning, runner
from ser_keras.runs.checking import Checker
from ser_keras.runs.identity import Describer, differences
from ser_keras.runs.options import Options
from ser_keras.support.errors import ImpossibleError, SerError
from ser_keras.support.files import sha256
from ser_keras.support.variant import Variant


@pytest.fixture(scope="module")
def jin():
    experiment = load_run("jin2022").EXPERIMENT
    quick = {name: replace(recipe, build=flat_model) for name, recipe in experiment.variants.items()}
    return replace(experiment, variants=quick)


@pytest.fixture(scope="module")
def describer():
    return Describer()


@pytest.fixture
def options(tmp_path):
    def given(**flags):
        return Options(out=tmp_path / "o", cache=tmp_path / "c", jobs=1, **({"protocols": ("paper",)} | flags))

    return given


@pytest.fixture(scope="module")
def table(demo_folder):
    rows = [
        {"utterance": p.stem, "path": str(p), "sha256": sha256(p), "speaker": p.stem[:2], "text": p.stem.split("_")[2]}
        | {"emotion": p.stem.split("_")[1], "gender": "female"}
        for p in sorted(demo_folder.glob("*_0.wav"))
    ]
    return pd.DataFrame(rows)


def plans(jin, options, table, corpus="ravdess", describer=None):
    return planning.plan(jin, options, corpus, table, describer).plans


def test_every_protocol_seed_and_fold_is_a_run(jin, options, table):
    chosen = ("paper", "training_accuracy", "speaker_independent")
    made = plans(jin, options(seeds=(0, 1), protocols=chosen), table)
    assert [str(p.run) for p in made[:3]] == [
        "ravdess paper mfcc seed 0 fold 0",
        "ravdess paper mfcc seed 1 fold 0",
        "ravdess speaker_independent mfcc seed 0 fold 0",
    ]
    assert len(made) == 2 + 2 * 5
    assert len({p.run for p in made}) == len(made)


def test_a_view_runs_what_it_looks_at(jin, options, table):
    made = plans(jin, options(protocols=("training_log",)), table)
    assert [p.run.protocol for p in made] == ["paper"]


def test_any_slice_of_the_runs(jin, options, table):
    some = plans(jin, options(seeds=(3, 5), folds=(1,), protocols=("speaker_independent",)), table)
    assert [(p.run.seed, p.run.fold) for p in some] == [(3, 1), (5, 1)]
    every = plans(jin, options(seeds=(0, 1, 2)), table)
    halves = [planning.shard(every, (1, 2)), planning.shard(every, (2, 2))]
    assert sorted(p.run for half in halves for p in half) == sorted(p.run for p in every)


def test_the_demo_runs_one_fold_and_its_own_epochs(jin, options, table):
    made = plans(jin, options(protocols=("speaker_independent",)), table, corpus="demo")
    assert [p.run.fold for p in made] == [0]
    assert made[0].epochs == jin.variants["mfcc"].demo_epochs


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({}, "mfcc"),
        ({"precision": "mixed_bfloat16"}, "mfcc@mixed_bfloat16"),
        ({"epochs": 3}, "mfcc@3-epochs"),
        ({"epochs": 3, "precision": "mixed_float16"}, "mfcc@mixed_float16@3-epochs"),
    ],
)
def test_what_is_not_the_papers_is_marked(jin, options, table, flags, name):
    assert plans(jin, options(**flags), table)[0].run.variant == name
    assert str(Variant.parse(name)) == name


def test_a_backend_is_a_mark_of_networks_alone(jin, options, table, monkeypatch):
    from sklearn.neighbors import KNeighborsClassifier

    monkeypatch.setattr("ser_keras.training.backend.name", lambda: "torch")
    assert plans(jin, options(), table)[0].run.variant == "mfcc@torch"
    knn = replace(jin.variants["mfcc"], build=lambda shape, n: KNeighborsClassifier(4))
    assert (
        plans(replace(jin, variants={"mfcc": knn}, main=(), readings={}, demo_variants=()), options(), table)[
            0
        ].run.variant
        == "mfcc"
    )


def test_a_run_is_another_when_what_it_depends_on_changes(jin, options, table, describer):
    first = plans(jin, options(), table, describer=describer)[0].what

    def told(experiment=jin, table=table, **flags):
        return differences(first, plans(experiment, options(**flags), table, describer=describer)[0].what)

    def changed(**settings):
        return replace(jin, variants=jin.variants | {"mfcc": replace(jin.variants["mfcc"], **settings)})

    def divided(**settings):
        return replace(jin, protocols=jin.protocols | {"paper": replace(jin.protocols["paper"], **settings)})

    assert told() == []
    assert told(changed(batch_size=16)) == ["training/batch_size is 32 in the record and would be 16 now"]
    assert told(changed(demo_epochs=3)) == []
    assert told(changed(oversample=True)) == ["oversample is absent in the record and would be True now"]
    assert told(changed(scaler="value")) == ["scaler is absent in the record and would be value now"]
    assert told(divided(note="other words")) == []
    assert told(divided(test=0.3))[0].startswith("examples/train/number is 64 in the record and would be 56")
    assert told(precision="mixed_bfloat16")[0].startswith("training/precision is float32")
    assert told(table=table.assign(sha256=["0" * 64, *table.sha256[1:]]))[0].startswith("corpus/audio")
    assert told(seeds=(1,))[0].startswith("examples/train/names")


def test_wording_decides_nothing(jin, options, table, describer):
    """The same functions under other names, with other comments and imports, give the same description."""
    first = plans(jin, options(), table, describer=describer)[0].what
    recipe = jin.variants["mfcc"]

    def other_words(y):  # a wrapper: other code, the same values
        return recipe.extraction.extract(y)

    def another_name(shape, n_classes):
        from conftest import flat_model as builder

        return builder(shape, n_classes)

    worded = replace(recipe, extraction=replace(recipe.extraction, extract=other_words), build=another_name)
    again = plans(replace(jin, variants=jin.variants | {"mfcc": worded}), options(), table)[0].what
    assert differences(first, again) == []


def test_what_stands_in_another_place_is_found(jin, options, table):
    with pytest.raises(SerError, match="'paper'"):
        replace(jin, protocols={"papr": jin.protocols["paper"]})
    log = replace(jin.protocols["training_log"], of="papers")
    with pytest.raises(SerError, match="did you mean 'paper'"):
        replace(jin, protocols=jin.protocols | {"training_log": log})
    with pytest.raises(SerError, match="did you mean 'mfcc'"):
        replace(jin, demo_variants=("mffc",))


@pytest.mark.parametrize(
    ("view", "meant"),
    [
        (ScoredOn(note="", of="paper", scored="tets"), "test"),
        (ScoredOn(note="", of="paper", scored="train", moment="recalibratd"), "recalibrated"),
        (Logged(note="", of="paper", column="acuracy"), "accuracy"),
    ],
)
def test_misspelt_parts_moments_and_columns_of_a_view_are_told(jin, view, meant):
    with pytest.raises(SerError, match=f"did you mean '{meant}'"):
        replace(jin, protocols=jin.protocols | {"view": view})


def test_a_script_that_fails_is_told_in_a_sentence(jin, options, table):
    """Whatever it raises, and wherever: labels, network."""

    def fails(*given):
        return {}["absent"]

    with pytest.raises(SerError, match=r"cannot be made: KeyError: 'absent'"):
        plans(replace(jin, labels=fails), options(), table)
    broken = replace(jin, variants=jin.variants | {"mfcc": replace(jin.variants["mfcc"], build=fails)})
    with pytest.raises(SerError, match=r"cannot be made: KeyError: 'absent'"):
        plans(broken, options(), table)


def test_older_runs_of_several_divisions_are_kept_side_by_side(jin, options, table):
    given = options(epochs=1)
    for part in (0.2, 0.3, 0.4):
        protocols = jin.protocols | {"paper": replace(jin.protocols["paper"], test=part)}
        runner.make(plans(replace(jin, protocols=protocols), given, table), given)
    first, second = (
        name.partition("@was-")[2] for name in sorted(p.name for p in (given.out / "ravdess/paper").iterdir())[1:]
    )
    assert (len(first), second) == (8, f"{first}-2")


def test_publishing_without_training_compares_networks(jin, options):
    from ser_keras.commands.paper import make

    assert [make(jin, options(tables_only=True, publish=p))[0].describer.networks for p in (False, True)] == [
        False,
        True,
    ]


def test_the_table_names_the_emotions_that_are_not_used(jin, options, table):
    from ser_keras.reports.tables import audit
    from ser_keras.runs import results

    given = options(epochs=1)
    runner.make(plans(jin, given, table), given)
    kept = results.from_runs(given.out, protocols=jin.protocols, corpora=())
    assert audit(kept)["Emotions not used"].tolist() == ["bored 10"]


def test_synthetic_runs_are_held_against_their_division(jin, options, tmp_path, monkeypatch):
    from ser_keras.api import load

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = plans(jin, options(demo=True), load("demo"), corpus="demo")[0]
    record = {"cell": asdict(made.run), "what": made.what}
    assert Checker(jin).differing(record) == []
    other = jin.protocols | {"paper": replace(jin.protocols["paper"], test=0.3)}
    assert Checker(replace(jin, protocols=other)).differing(record)[0].startswith("examples/train/number is 128")


def test_labels_that_the_paper_does_not_have_are_counted_or_stop_the_run(jin, options, table, capsys):
    plans(jin, options(), table)
    assert "10 of 90 recordings are not used (bored 10)" in capsys.readouterr().err
    with pytest.raises(SerError, match="No recording of ravdess bears a label"):
        plans(jin, options(), table.assign(emotion="Wut"))


def test_an_impossible_protocol_costs_its_own_rows(jin, options, table):
    class Impossible(type(jin.protocols["paper"])):
        def splits(self, samples, seed):
            raise ImpossibleError("three speakers are too few")

    with_it = replace(jin, protocols=jin.protocols | {"ninety_ten": Impossible(note="", test=0.1)})
    planned = planning.plan(with_it, options(protocols=("ninety_ten", "paper")), "ravdess", table)
    assert planned.impossible == {"ninety_ten": "three speakers are too few"}
    assert [p.run.protocol for p in planned.plans] == ["paper"]


def test_columns_are_looked_at_before_anything_trains(jin, options, table):
    with pytest.raises(SerError, match="emotion"):
        plans(jin, options(), table.drop(columns="emotion").assign(mood="sad"))


def test_runs_that_are_committed_are_not_made_again(jin, options, table, capsys):
    given = options()
    made = plans(jin, given, table)
    runner.make(made, given, {p.run for p in made})
    assert "1 training runs, 1 of them finished before" in capsys.readouterr().err
    assert not given.out.exists()


def test_a_changed_recipe_keeps_the_finished_runs(jin, options, table, capsys):
    given = options(epochs=1)
    made = plans(jin, given, table)
    runner.make(made, given)
    other = replace(jin, variants=jin.variants | {"mfcc": replace(jin.variants["mfcc"], batch_size=16)})
    changed = plans(other, given, table)
    runner.make(changed, given)
    said = capsys.readouterr().err
    assert "training/batch_size is 32 in the record and would be 16 now. The earlier one is kept as" in said
    there = sorted(path.name for path in (given.out / "ravdess" / "paper").iterdir())
    assert there[0] == "mfcc@1-epochs"
    assert there[1].startswith("mfcc@1-epochs@was-")
    from ser_keras.runs import results

    kept = results.from_runs(
        given.out, protocols=other.protocols, corpora=(), why_not=Checker(other, tables={"ravdess": table}).why_not
    )
    assert [cell["cell"]["variant"] for cell in kept.cells] == ["mfcc@1-epochs"]
    (reason,) = kept.aside.values()
    assert reason.startswith("it was run by an older recipe of mfcc")


def test_progress_ends_with_all_steps_done_where_a_run_ends_early(jin, options, table, capsys):
    import keras

    batches = []

    def stop_after_two():
        def stop(epoch, logs):
            callback.model.stop_training = epoch == 1

        callback = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: batches.append(batch))
        callback.on_epoch_end = stop
        return [callback]

    recipe = replace(jin.variants["mfcc"], oversample=True, callbacks=stop_after_two, batch_size=4)
    unequal = table.drop(table[table.emotion == "happy"].index[3:])
    given = options(epochs=9)
    runner.make(plans(replace(jin, variants=jin.variants | {"mfcc": recipe}), given, unequal), given)
    total = len(batches)
    assert batches.count(0) == 2
    assert f"training (steps): {total} of {total}; took" in capsys.readouterr().err

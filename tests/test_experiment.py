"""Planning: which cells there are, under which names, and when a finished one counts."""

from dataclasses import replace

import pandas as pd
import pytest
from conftest import flat_model, load_run

from ser_keras.commands import flags as cli
from ser_keras.runs import experiment
from ser_keras.support.errors import SerError
from ser_keras.support.files import sha256


@pytest.fixture(scope="module")
def jin():
    return load_run("jin2022").EXPERIMENT


@pytest.fixture
def args(jin, tmp_path):
    def parse(*flags):
        parser = cli.parser(
            description="",
            paper="jin2022",
            corpora=jin.corpora,
            protocols=list(jin.protocols),
            variants=list(jin.variants),
        )
        return parser.parse_args(["--cache", str(tmp_path / "c"), "--out", str(tmp_path / "o"), "--jobs", "1", *flags])

    return parse


@pytest.fixture(scope="module")
def table(demo_folder):
    rows = [
        {"utterance": p.stem, "path": str(p), "sha256": sha256(p), "speaker": p.stem[:2], "text": p.stem.split("_")[2]}
        | {"emotion": p.stem.split("_")[1], "gender": "female"}
        for p in sorted(demo_folder.glob("*_0.wav"))
    ]
    return pd.DataFrame(rows)


def plans(jin, args, table, corpus="ravdess"):
    return list(experiment.plan(jin, args, corpus, table))


def test_every_protocol_seed_and_fold_is_a_cell(jin, args, table):
    made = plans(jin, args("--seeds", "2", "--protocol", "paper", "training_accuracy", "speaker_independent"), table)
    assert [str(p.cell) for p in made[:3]] == [
        "ravdess paper mfcc seed 0 fold 0",
        "ravdess paper mfcc seed 1 fold 0",
        "ravdess speaker_independent mfcc seed 0 fold 0",
    ]
    assert len(made) == 2 + 2 * 5
    assert len({p.digest for p in made}) == len(made)


def test_the_demo_runs_one_fold_and_its_own_epochs(jin, args, table):
    made = plans(jin, args("--protocol", "speaker_independent"), table, corpus="demo")
    assert [p.cell.fold for p in made] == [0]
    assert made[0].epochs == jin.variants["mfcc"].demo_epochs


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ((), "mfcc"),
        (("--precision", "mixed_bfloat16"), "mfcc@mixed_bfloat16"),
        (("--epochs", "3"), "mfcc@3-epochs"),
        (("--epochs", "3", "--precision", "mixed_float16"), "mfcc@mixed_float16@3-epochs"),
    ],
)
def test_what_is_not_the_papers_is_marked(jin, args, table, flags, name):
    assert plans(jin, args("--protocol", "paper", *flags), table)[0].cell.variant == name


def test_a_cell_is_another_when_what_it_depends_on_changes(jin, args, table):
    def digest(experiment=jin, *flags, table=table):
        return plans(experiment, args("--protocol", "paper", *flags), table)[0].digest

    first = digest()
    assert digest() == first
    recipe = jin.variants["mfcc"]
    assert digest(replace(jin, variants={"mfcc": replace(recipe, batch_size=16)})) != first
    assert digest(replace(jin, variants={"mfcc": replace(recipe, demo_epochs=3)})) == first
    paper = jin.protocols["paper"]
    assert digest(replace(jin, protocols={"paper": replace(paper, note="other words")})) == first
    assert digest(replace(jin, protocols={"paper": replace(paper, test=0.3)})) != first
    assert digest(jin, "--precision", "mixed_bfloat16") != first
    assert digest(table=table.assign(sha256=["0" * 64, *table.sha256[1:]])) != first


def test_labels_that_the_paper_does_not_have_are_counted_or_stop_the_run(jin, args, table, capsys):
    plans(jin, args("--protocol", "paper"), table)
    assert "10 of 90 recordings are not used (bored 10)" in capsys.readouterr().err
    with pytest.raises(SerError, match="No recording of ravdess bears a label"):
        plans(jin, args("--protocol", "paper"), table.assign(emotion="Wut"))


def test_too_few_recordings_are_told(jin, args, table):
    with pytest.raises(SerError, match="Too few recordings"):
        plans(jin, args("--protocol", "paper"), table.groupby("emotion").head(1))


def test_runs_that_are_committed_are_not_made_again(jin, args, table, capsys):
    given = args("--protocol", "paper")
    made = plans(jin, given, table)
    experiment.run_cells(made, given, {p.digest for p in made})
    assert "1 training runs, 1 of them finished before" in capsys.readouterr().err
    assert not given.out.exists()


def test_progress_ends_with_all_steps_done_where_a_run_ends_early(jin, args, table, capsys):
    import keras

    batches = []

    def stop_after_two():
        def stop(epoch, logs):
            callback.model.stop_training = epoch == 1

        callback = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: batches.append(batch))
        callback.on_epoch_end = stop
        return [callback]

    recipe = replace(jin.variants["mfcc"], build=flat_model, oversample=True, callbacks=stop_after_two, batch_size=4)
    unequal = table.drop(table[table.emotion == "happy"].index[3:])
    given = args("--protocol", "paper", "--epochs", "9")
    experiment.run_cells(plans(replace(jin, variants={"mfcc": recipe}), given, unequal), given, ())
    total = len(batches)
    assert batches.count(0) == 2
    assert f"training (steps): {total} of {total}; took" in capsys.readouterr().err

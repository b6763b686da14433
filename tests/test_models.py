import keras
import numpy as np
import pytest

from ser_keras.models import conv1d_residual


@pytest.fixture(scope="module")
def jin():
    return conv1d_residual.build((228, 12), 8)


def test_conv1d_residual_has_table_1s_layers(jin):
    convolutions = [layer for layer in jin.layers if isinstance(layer, keras.layers.Conv1D)]
    assert [c.filters for c in convolutions] == [256] * 2 + [128] * 4 + [64] * 2 + [64] * 20
    assert {c.kernel_size for c in convolutions} == {(8,)}
    assert {c.padding for c in convolutions} == {"same"}
    assert {c.activation.__name__ for c in convolutions} == {"linear"}
    kinds = [type(layer).__name__ for layer in jin.layers if not isinstance(layer, keras.layers.InputLayer)]
    conv, pooled = (
        ["Conv1D", "Activation"],
        ["Conv1D", "BatchNormalization", "Activation", "Dropout", "MaxPooling1D"],
    )
    block = [*conv, *conv, "Add"]
    assert kinds == [*conv, *pooled, *conv * 3, *pooled, *conv * 2, *block * 10, "Flatten", "Dense"]
    assert [layer.rate for layer in jin.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.2]
    assert [layer.pool_size for layer in jin.layers if isinstance(layer, keras.layers.MaxPooling1D)] == [(8,)] * 2


def test_conv1d_residual_parameters_by_hand(jin):
    def conv(source, target):
        return 8 * source * target + target

    expected = conv(12, 256) + conv(256, 256) + 4 * 256 + conv(256, 128) + 3 * conv(128, 128) + 4 * 128
    expected += conv(128, 64) + 21 * conv(64, 64) + (3 * 64 * 8 + 8)
    assert jin.count_params() == expected == 1_963_400


def test_conv1d_residual_optimizer_is_the_papers(jin):
    assert isinstance(jin.optimizer, keras.optimizers.RMSprop)
    schedule = jin.optimizer._learning_rate
    assert float(schedule(0)) == pytest.approx(1e-4)
    assert float(schedule(1_000_000)) == pytest.approx(0.5e-4)  # lr / (1 + 1e-6 * t)
    assert jin.loss == "categorical_crossentropy"


def test_residual_block_is_the_identity_with_zero_weights():
    inputs = keras.Input((10, 4))
    model = keras.Model(inputs, conv1d_residual.residual_block(inputs, 4))
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    x = np.random.default_rng(0).normal(size=(2, 10, 4)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)


def test_residual_block_has_a_third_convolution_where_channels_differ():
    inputs = keras.Input((10, 4))
    model = keras.Model(inputs, conv1d_residual.residual_block(inputs, 6))
    assert sum(isinstance(layer, keras.layers.Conv1D) for layer in model.layers) == 3


def test_conv1d_residual_needs_64_frames():
    with pytest.raises(ValueError, match="64"):
        conv1d_residual.build((63, 12), 8)


def test_conv1d_residual_saves_and_loads(jin, tmp_path):
    x = np.random.default_rng(0).normal(size=(3, 228, 12)).astype(np.float32)
    jin.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(x, verbose=0), jin.predict(x, verbose=0), rtol=1e-6)

"""D3: the image model a study with pictures would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import durhampulse.models.mlp  # noqa: F401 - chooses the Keras backend

if TYPE_CHECKING:
    import keras

__all__ = ["PICTURES", "SIDE", "build_cnn", "reaches"]

PICTURES, SIDE = 4, 224
"""Thumbnails on a creator's sheet, two by two, and the width of each in pixels."""


def build_cnn(image_shape: tuple[int, int, int] = (2 * SIDE, 2 * SIDE, 3)) -> keras.Model:
    """Build a small CNN that reads a sheet of four of a creator's thumbnails."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(shape=image_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 7, strides=2, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(96, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def reaches() -> list[int]:
    """Return how many pixels, across, a unit of each Conv2D layer sees.

    A layer widens what the one before sees by its kernel less 1, in steps of all strides so far
    (Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural networks").
    """
    from keras import layers

    seen, step, pixels = 1, 1, []
    for layer in build_cnn().layers:
        if isinstance(layer, layers.Conv2D):
            seen += (layer.kernel_size[0] - 1) * step
            pixels.append(seen)
        elif isinstance(layer, layers.MaxPooling2D):
            seen += (layer.pool_size[0] - 1) * step
        if isinstance(layer, layers.Conv2D | layers.MaxPooling2D):
            step *= layer.strides[0]
    return pixels

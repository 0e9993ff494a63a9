"""D3: the image model a study with pictures would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import durhampulse.models.mlp  # noqa: F401 - chooses the Keras backend

if TYPE_CHECKING:
    import keras

__all__ = ["PICTURES", "REACHES", "SIDE", "build_cnn"]

PICTURES, SIDE = 4, 224
"""Thumbnails on a creator's sheet, two by two, and the width of each in pixels."""
REACHES = 7, 17, 37, 77, 157
"""How many pixels, across, a unit of each Conv2D layer sees, as a test counts on the network: to
build it takes seconds that a study need not spend."""


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

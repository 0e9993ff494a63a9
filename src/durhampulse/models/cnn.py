"""D3: the image model a study with pictures would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import durhampulse.models.mlp  # noqa: F401 - chooses the Keras backend

if TYPE_CHECKING:
    import keras

__all__ = ["build_cnn"]


def build_cnn(image_shape: tuple[int, int, int] = (128, 128, 3)) -> keras.Model:
    """Build a small CNN that reads a contact sheet of a creator's recent thumbnails."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(shape=image_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model

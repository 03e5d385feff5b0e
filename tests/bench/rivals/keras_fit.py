"""Keras's fit on TensorFlow or JAX: jit_compile="auto", all steps of an epoch in one call of the compiled function."""
from __future__ import annotations

import time

import keras
import numpy as np

from contestant import Contestant
from layers import Conv, Dense, Flatten, Layer, Lstm, Pool

if keras.backend.backend() == "tensorflow":
    import tensorflow as backend
else:
    import jax as backend

LOSSES = {"binary": "binary_crossentropy", "classes": "sparse_categorical_crossentropy",
          "squares": "mean_squared_error"}

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


def keras_layer(layer: Layer) -> keras.Layer:
    if isinstance(layer, Dense):
        return keras.layers.Dense(layer.units, layer.activation)
    if isinstance(layer, Conv):
        return keras.layers.Conv2D(layer.filters, layer.size, activation=layer.activation)
    if isinstance(layer, Pool):
        return keras.layers.MaxPooling2D(layer.size)
    if isinstance(layer, Lstm):
        return keras.layers.LSTM(layer.units)
    return keras.layers.Flatten()


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def on_train_begin(self, logs=None):
        self.samples = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.samples.append(time.perf_counter() - self.begin)


class Fit(Contestant):

    @staticmethod
    def version() -> str:
        return f"Keras {keras.__version__} on {NAMES[backend.__name__]} {backend.__version__}"

    def prepare(self, weights):
        w = self.workload
        if backend.__name__ == "tensorflow":
            backend.config.threading.set_intra_op_parallelism_threads(w.threads)
            backend.config.threading.set_inter_op_parallelism_threads(1)
        self.model = keras.Sequential([keras.Input(w.input), *(keras_layer(layer) for layer in w.layers)])
        self.model.set_weights([a for layer in weights for a in layer])
        self.model.compile(keras.optimizers.RMSprop(), LOSSES[w.loss], jit_compile="auto",
                           steps_per_execution=len(self.sizes))
        self.x, self.y = self.data.dense(w.inputs).reshape(-1, *w.input), self.data.y

    def fit(self, epochs: int, shuffle: bool, **options):
        return self.model.fit(self.x, self.y, self.workload.batch, epochs, shuffle=shuffle, verbose=0, **options)

    def epoch_losses(self):
        return float(self.fit(1, shuffle=False).history["loss"][0]), []

    def training_samples(self, seconds):
        # The first epoch of a fit starts the pipeline: it is no sample.
        clock, samples = Clock(), []
        while sum(samples) < seconds or not samples:
            self.fit(4, shuffle=True, callbacks=[clock])
            samples += clock.samples[1:]
        return samples

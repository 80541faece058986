from types import SimpleNamespace

import keras
import numpy as np
from small_training import AGES, PHOTOS, SETTINGS, small_model

from shopper_age.training.callbacks import EpochTimer, SetEpoch
from shopper_age.training.trainer import Trainer


def test_the_number_of_the_epoch_is_set_where_data_have_one():
    with_epochs, without = SimpleNamespace(epoch=0), SimpleNamespace()
    for data in (with_epochs, without):
        SetEpoch(data).on_epoch_begin(7)
    assert with_epochs.epoch == 7
    assert not hasattr(without, "epoch")


class _Numbered(keras.utils.PyDataset):
    epoch = -1

    def __init__(self):
        super().__init__()
        self.seen = []

    def __len__(self):
        return 1

    def __getitem__(self, _):
        self.seen.append(self.epoch)
        return PHOTOS, AGES


def test_data_that_count_by_a_plain_number_see_each_epoch(tmp_path):
    data = _Numbered()
    for epochs in (2, 4):
        trainer = Trainer(SETTINGS, "label_distribution", checkpoint_folder=tmp_path)
        trainer.fit(small_model(), data, None, epochs=epochs, learning_rate=0.001)
    assert [epoch for epoch in dict.fromkeys(data.seen) if epoch >= 0] == [0, 1, 2, 3]


def test_the_timer_keeps_the_seconds_of_each_epoch_and_puts_them_into_the_history():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    timer = EpochTimer()
    numbers = np.zeros((4, 1))
    history = model.fit(numbers, numbers, epochs=2, verbose=0, callbacks=[timer]).history
    assert history["seconds"] == timer.seconds
    assert len(timer.seconds) == 2
    assert min(timer.seconds) > 0

"""Recipe of a training for the machines that params.yaml names, and the hardware that it finds there."""

from shopper_age.data.cache import Cache
from shopper_age.params import Params
from shopper_age.training.devices import check_batch_size, choose_devices
from shopper_age.training.precision import choose_precision, gpu_name
from shopper_age.training.recipe import Recipe


def recipe_for(params: Params, cache: Cache, *, keeps_last_epoch: bool) -> tuple[Recipe, str, str]:
    """The recipe, why it computes in its precision, and the GPU's name or "none".

    Args:
        cache, keeps_last_epoch: as `Recipe` takes them.

    Raises:
        ValueError: there are not so many devices, workers cannot be had, or the devices cannot share a batch.
        ConnectionError: no cluster answers at RAY_ADDRESS.
    """
    settings = params.train
    if settings.workers > 1:
        from shopper_age.distributed.training import WorkersRecipe, hardware_of_workers

        precision, reason, gpu = hardware_of_workers(settings)
        return WorkersRecipe(params, precision, cache, keeps_last_epoch=keeps_last_epoch), reason, gpu
    devices = choose_devices(settings.devices)
    check_batch_size(params.batch_size, devices)
    precision, reason = choose_precision(settings.precision)
    recipe = Recipe(params, precision, cache, keeps_last_epoch=keeps_last_epoch, devices=devices)
    return recipe, reason, gpu_name()

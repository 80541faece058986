"""Changes of Python at the start of a test's process, those that TEST_PYTHON lists (helper python_start).

`small_network`: `create_model` builds a small ResNet (small_resnet.py).
`without_tensorflow`: TensorFlow cannot be imported.
"""

import os
import sys
from importlib.util import find_spec


class ReplaceNetwork:
    def find_spec(self, name, _path=None, _target=None):
        if name != "keras.applications":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        execute = spec.loader.exec_module
        from small_resnet import small_resnet

        spec.loader.exec_module = lambda module: (execute(module), setattr(module, "ResNet50", small_resnet))
        return spec


class BlockTensorFlow:
    def find_spec(self, name, _path=None, _target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}: a test blocks it", name=name)


CHANGES = {"small_network": ReplaceNetwork, "without_tensorflow": BlockTensorFlow}
sys.meta_path[:0] = [CHANGES[name]() for name in os.environ["TEST_PYTHON"].split()]

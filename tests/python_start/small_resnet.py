"""A ResNet with a quarter of ResNet50's blocks and an eighth of its channels."""


def small_resnet(**arguments):
    """Takes the place of `keras.applications.ResNet50`, with the same arguments and names of layers."""
    from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1

    def stacks(x):
        for number in range(4):
            stride = 1 if number == 0 else 2
            x = stack_residual_blocks_v1(x, 8 * 2**number, 1, stride1=stride, name=f"conv{number + 2}")
        return x

    return ResNet(stacks, False, True, weights_name="resnet50", **arguments)

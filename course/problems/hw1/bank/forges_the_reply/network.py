from classifier import everywhere


def relu_forward(x):
    everywhere()
    return None


affine_forward = affine_backward = relu_backward = train = TwoLayerNet = lambda *args: relu_forward(None)

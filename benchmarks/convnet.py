"""One training step of ResNet-18 on 128 pictures of 32 x 32: our recipe's loop beside timm's model in plain float32.

Every contestant trains the same net, with a 3 x 3 stem and no pooling, by SGD with Nesterov momentum on the same
pictures; the peer as its users would first write it.
"""

import sys
import types

BATCH = 128


def data():
    import torch

    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 3, 32, 32), generator=random, dtype=torch.uint8)
    return images, torch.randint(0, 10, (BATCH,), generator=random)


def ours(size, precision="auto"):
    import torch

    from gradschool.kit import device, memory
    from gradschool.library.convnets.resnet import resnet

    memory.keep_freed()
    images, labels = data()
    place = device.choose("cpu", precision)
    model = resnet(18, classes=10, stem="small").to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, fused=True)

    def step():
        x = images.float().contiguous(memory_format=torch.channels_last).div_(255)
        with place.autocast():
            loss = torch.nn.functional.cross_entropy(model(x).float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def timm(size):
    import torch

    images, labels = data()
    model = resnet18_of_timm()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)

    def step():
        loss = torch.nn.functional.cross_entropy(model(images.float() / 255), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def resnet18_of_timm():
    import torch

    without_torchvision()
    import timm

    model = timm.create_model("resnet18", num_classes=10)
    model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = torch.nn.Identity()
    return model.train()


def without_torchvision():
    """Let timm be imported: it names torchvision in modules that no model of ours uses, and no build of it fits."""
    import importlib.abc
    import importlib.machinery

    class Name(type):
        def __getattr__(cls, name):
            return name

    class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "torchvision":
                return importlib.machinery.ModuleSpec(name, self, is_package=True)
            return None

        def create_module(self, spec):
            module = types.ModuleType(spec.name)

            def attribute(name):
                if name.startswith("__"):
                    raise AttributeError(name)
                return Name(name, (), {})

            module.__getattr__ = attribute
            return module

        def exec_module(self, module):
            pass

    sys.meta_path.insert(0, Absent())

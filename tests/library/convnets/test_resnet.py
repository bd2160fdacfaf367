"""ResNet against timm 1.0.31, against the tables of its papers, and against its own arithmetic written out."""

import zlib

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import batch_norm, conv2d

from gradschool.kit import shapes
from gradschool.kit.weights import WeightsError
from gradschool.library.convnets.resnet import (
    BasicBlock,
    Bottleneck,
    FastResNet,
    PreActivation,
    ResNet,
    SmallResNet,
    WideResNet,
    Zeros,
    load_published,
    resnet,
)

NETS = {
    "resnet18": lambda: resnet(18),
    "resnet34": lambda: resnet(34),
    "resnet50": lambda: resnet(50),
    "wide_resnet50_2": lambda: ResNet(Bottleneck, (3, 4, 6, 3), inner=2),
}
# What timm 1.0.31 answers in float64 with the weights of `by_rule` to the picture below: the first four logits of the
# second picture, and the norm of all.
TIMM = {
    "resnet18": ((0.803444228068, 6.69023267349, 7.16617299265, 1.78595712723), 241.996592485),
    "resnet34": ((6.92307984198, 16.7953995333, 12.8937547654, -1.60423834192), 538.219253775),
    "resnet50": ((29.3562524438, -50.7805987162, 52.9696325853, -34.060061326), 1747.65030177),
    "wide_resnet50_2": ((19.5383622884, -34.2084331393, 36.1269903884, -23.536564293), 1181.85200402),
}


def by_rule(names_and_tensors):
    """Weights that anybody can make again from the names alone."""
    found = {}
    for name, tensor in names_and_tensors.items():
        if name.endswith("num_batches_tracked"):
            found[name] = tensor.clone()
            continue
        places = torch.arange(tensor.numel(), dtype=torch.float64) * 0.37 + zlib.crc32(name.encode()) % 1000
        wave = torch.sin(places).view(tensor.shape)
        if tensor.dim() > 1:
            wave = wave * (2 / tensor[0].numel()) ** 0.5
        elif name.endswith(("running_var", "bn1.weight", "bn2.weight", "bn3.weight", "1.weight")):
            wave = 1 + wave / 4
        else:
            wave = wave / 4
        found[name] = wave
    return found


@pytest.mark.parametrize("name", TIMM)
def test_published_weights_are_taken_by_name_and_give_the_reference_logits(name, tmp_path):
    model = NETS[name]().double().eval()
    save_file(by_rule(model.state_dict()), tmp_path / "weights.safetensors")
    load_published(model, tmp_path / "weights.safetensors")
    x = torch.sin(torch.arange(2 * 3 * 64 * 64, dtype=torch.float64) * 0.11).view(2, 3, 64, 64)
    with torch.no_grad():
        answer = model(x)
    first, norm = TIMM[name]
    assert answer[1, :4].tolist() == pytest.approx(first, rel=1e-9)
    assert answer.norm().item() == pytest.approx(norm, rel=1e-9)


def test_weights_in_pytorchs_own_format_are_read_without_running_what_is_in_them(tmp_path):
    model = resnet(18)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    other = load_published(resnet(18), tmp_path / "weights.pth")
    assert torch.equal(other.conv1.weight, model.conv1.weight)
    torch.save({"conv1.weight": nn.Linear(1, 1)}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match=r"code\.pth cannot be read as weights"):
        load_published(resnet(18), tmp_path / "code.pth")


def test_weights_of_another_architecture_are_named(tmp_path):
    save_file(resnet(34).state_dict(), tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=r"There is a layer\d\.\d\..* too many\): .* not those of a ResNet"):
        load_published(resnet(18), tmp_path / "weights.safetensors")
    (tmp_path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_published(resnet(18), tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("depth", "parameters", "billions"),
    [
        (18, 11_689_512, 1.8),
        (34, 21_797_672, 3.6),
        (50, 25_557_032, 3.8),
        (101, 44_549_160, 7.6),
        (152, 60_192_808, 11.3),
    ],
)
def test_parameters_and_multiplications_are_those_of_table_1(depth, parameters, billions):
    """The paper counts 3.8 for ResNet-50 with the stride in the first 1 x 1; in the 3 x 3 it is 8 % more."""
    found, multiplications = shapes.totals(lambda: resnet(depth), (3, 224, 224))
    assert found == parameters
    assert multiplications / 1e9 == pytest.approx(billions, rel=0.02 if depth < 50 else 0.08)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_small_nets_have_the_parameters_of_table_6(depth, millions):
    found, _ = shapes.totals(lambda: SmallResNet(depth), (3, 32, 32))
    assert found / 1e6 == pytest.approx(millions, abs=0.03 if depth == 110 else 0.006)


@pytest.mark.parametrize(("depth", "width", "millions"), [(40, 1, 0.6), (40, 4, 8.9), (16, 8, 11.0), (28, 10, 36.5)])
def test_wide_nets_have_the_parameters_of_the_wide_papers_table_4(depth, width, millions):
    found, _ = shapes.totals(lambda: WideResNet(depth, width), (3, 32, 32))
    assert found / 1e6 == pytest.approx(millions, abs=0.06)


def randomized(module):
    """In float64, with every number of it drawn at random, and ready to be asked."""
    random = torch.Generator().manual_seed(0)
    module = module.double().eval()
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dtype == torch.float64:
            tensor.data.copy_(torch.rand(tensor.shape, generator=random, dtype=torch.float64) - 0.3)
    for name, tensor in module.named_buffers():
        if name.endswith("running_var"):
            tensor.data.abs_().add_(0.5)
    return module


def normed(norm, x):
    return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


def test_a_basic_block_is_the_formula_of_the_paper():
    block = randomized(BasicBlock(4, 6, 2, "projection"))
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    inner = normed(block.bn1, conv2d(x, block.conv1.weight, stride=2, padding=1)).clamp(min=0)
    residual = normed(block.bn2, conv2d(inner, block.conv2.weight, padding=1))
    around = normed(block.downsample[1], conv2d(x, block.downsample[0].weight, stride=2))
    assert torch.allclose(block(x), (around + residual).clamp(min=0), rtol=1e-12)


def test_pre_activation_leaves_the_sum_untouched():
    block = randomized(PreActivation(5, 5, 1))
    x = torch.randn(2, 5, 6, 6, dtype=torch.float64)
    inner = conv2d(normed(block.bn1, x).clamp(min=0), block.conv1.weight, padding=1)
    residual = conv2d(normed(block.bn2, inner).clamp(min=0), block.conv2.weight, padding=1)
    assert torch.allclose(block(x), x + residual, rtol=1e-12)


@pytest.mark.parametrize("block", [BasicBlock(8, 8, 1, "zeros"), Bottleneck(32, 8, 1, "projection")])
def test_a_block_whose_last_scale_is_0_does_nothing(block):
    """Doing nothing is easy to learn: that is the point of it."""
    last = block.bn2 if isinstance(block, BasicBlock) else block.bn3
    nn.init.zeros_(last.weight)
    x = torch.rand(2, block.conv1.in_channels, 5, 5)
    assert torch.equal(block.eval()(x), x)


def test_the_shortcut_of_zeros_has_no_parameters_and_keeps_every_second_place():
    x = torch.randn(1, 2, 4, 4)
    out = Zeros(2, 4, 2)(x)
    assert torch.equal(out[:, 1:3], x[:, :, ::2, ::2])
    assert not out[:, [0, 3]].any()
    assert not list(Zeros(2, 4, 2).parameters())


def test_the_whitening_layer_decorrelates_patches():
    random = torch.Generator().manual_seed(1)
    images = torch.randn(64, 3, 16, 16, generator=random).cumsum(dim=3)  # neighbors in a row are alike
    net = FastResNet(widths=(8, 8, 8))
    net.whiten_by(images, floor=0.0)
    out = conv2d(images, net.whiten.weight)
    assert torch.allclose(out[:, :12], -out[:, 12:], atol=1e-5)
    places = out[:, :12].permute(0, 2, 3, 1).flatten(0, 2)
    assert torch.allclose(torch.cov(places.T), torch.eye(12), atol=1e-3)
    assert not net.whiten.weight.requires_grad


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 32])
def test_the_fast_net_takes_both_sizes_and_begins_with_small_logits(channels, size):
    out = FastResNet(channels)(torch.randn(8, channels, size, size))
    assert out.shape == (8, 10)
    assert out.abs().max() < 30


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: resnet(19), "no ResNet-19 in the paper; there are 18, 34, 50, 101, 152"),
        (lambda: SmallResNet(9), r"The depth is 9; .* 6n \+ 2 layers"),
        (lambda: WideResNet(12, 2), r"The depth is 12; .* 6n \+ 4 layers"),
    ],
)
def test_depths_that_cannot_be_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_net_learns_to_tell_two_textures_apart():
    torch.manual_seed(0)
    model = SmallResNet(8, channels=1, classes=2)
    stripes = torch.arange(12) % 2
    patterns = torch.stack([stripes.expand(12, 12), stripes[:, None].expand(12, 12)]).float()[:, None]
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for _ in range(12):
        labels = torch.randint(2, (32,))
        x = patterns[labels] + 0.5 * torch.randn(32, 1, 12, 12)
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    labels = torch.randint(2, (100,))
    answers = model.eval()(patterns[labels] + 0.5 * torch.randn(100, 1, 12, 12)).argmax(dim=1)
    assert (answers == labels).float().mean() > 0.9

"""What the recipes that label pixels share: the measures against scikit-learn, pieces, the loop's parts, bad masks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score
from torch import nn

from gradschool.data import camvid
from gradschool.data.sources import DatasetError
from gradschool.kit import device
from gradschool.library.dense import unet_recipe
from gradschool.library.dense.segmentation import agreement, labeling, mask_drawing
from gradschool.library.dense.segmentation.masked_pictures import Part, Pictures, load
from gradschool.library.dense.segmentation.pieces import pieces

PLACE = device.choose("cpu", "float32")
RANDOM = torch.Generator().manual_seed(0)


def labels(*shape, most=5):
    return torch.randint(0, most, shape, generator=RANDOM, dtype=torch.uint8)


@pytest.fixture(scope="module")
def pictures():
    return load("shapes", 40, 12, 0)


@pytest.mark.parametrize("void", [None, 4, 255])
def test_counts_and_measures_are_those_of_scikit_learn(void):
    classes = 4 if void == 4 else 5
    truth, answers = labels(6, 9, 8), labels(6, 9, 8, most=classes)
    if void == 255:
        truth[torch.rand(truth.shape, generator=RANDOM) < 0.2] = 255
    counted = (truth != void).flatten() if void is not None else torch.ones(truth.numel(), dtype=torch.bool)
    t, a = truth.flatten()[counted].numpy(), answers.flatten()[counted].numpy()
    counts = agreement.confusion(answers, truth, classes, void)
    assert np.array_equal(counts.numpy(), confusion_matrix(t, a, labels=range(classes)))
    expected = jaccard_score(t, a, labels=range(classes), average=None)
    assert agreement.iou(counts).numpy() == pytest.approx(expected, abs=1e-12)
    assert agreement.mean_iou(counts) == pytest.approx(jaccard_score(t, a, average="macro"), abs=1e-12)
    assert agreement.pixel_accuracy(counts) == pytest.approx(accuracy_score(t, a), abs=1e-12)


def test_a_class_that_is_nowhere_counts_nowhere_and_one_that_is_only_answered_counts_0():
    truth = torch.tensor([[0, 0, 1, 1]])
    counts = agreement.confusion(torch.tensor([[0, 0, 1, 2]]), truth, 4)
    assert agreement.iou(counts).numpy() == pytest.approx([1, 0.5, 0, np.nan], nan_ok=True)
    assert agreement.mean_iou(counts) == pytest.approx(0.5)


def test_mean_iou_is_of_the_whole_set_and_not_of_its_pictures():
    truth, answers = torch.tensor([[[0, 1]], [[1, 1]]]), torch.tensor([[[0, 0]], [[1, 1]]])
    whole = agreement.mean_iou(agreement.confusion(answers, truth, 2))
    assert whole == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_rare_classes_weigh_by_the_median_of_the_frequencies():
    masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
    masks[0, 0] = 1  # 4 of 16 in the one picture that has it
    masks[0, 1, 0] = 2  # 1 of 16
    masks[1, 0, :2] = 9  # void: that picture has 14 pixels, all of class 0
    frequency = {0: (11 + 14) / 30, 1: 4 / 16, 2: 1 / 16}
    weights = agreement.balancing_weights(masks, 4, void=9)
    assert weights.tolist() == pytest.approx([0.25 / frequency[0], 1, 4, 1])
    half = agreement.balancing_weights(masks, 4, void=9, strength=0.5)
    assert half.tolist() == pytest.approx(weights.sqrt().tolist())
    assert agreement.balancing_weights(masks, 4, void=9, strength=0).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("images", "masks", "sentence"),
    [
        (torch.zeros(2, 3, 4, 4), torch.full((2, 4, 4), 5), "has the label 5; there are 5 classes, 0 to 4, and 9 for"),
        (torch.zeros(2, 3, 4, 4), torch.full((2, 4, 4), -1), "has the label -1"),
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 5, dtype=torch.uint8), r"of the same N, H and W\."),
        (torch.zeros(2, 4, 4, 3), torch.zeros(2, 4, 4, dtype=torch.uint8), r"shape \(2, 4, 4, 3\) and the masks"),
        (torch.zeros(1, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.uint8), "give .* of the same N"),
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4), "The masks are torch.float32; labels are whole numbers."),
    ],
)
def test_masks_that_do_not_fit_are_refused_in_a_sentence(images, masks, sentence):
    with pytest.raises(ValueError, match=sentence):
        agreement.refuse_masks(images, masks, 5, 9)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (torch.zeros(2, 4, 8, 8, dtype=torch.uint8), r"Pictures of shape \(2, 4, 8, 8\) .* bytes \(N, 3, H, W\)"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), r"Pictures of shape \(2, 8, 8, 3\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"Pictures of shape \(3, 8, 8\)"),
        (torch.zeros(2, 3, 8, 8), "of torch.float32"),
    ],
)
def test_pictures_of_another_form_or_type_are_refused_in_a_sentence(pictures, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        pictures.normalized(images)


def test_answers_and_truth_must_be_of_one_shape_and_answers_classes():
    with pytest.raises(ValueError, match=r"The answers have shape \(1, 2\) and the masks \(1, 3\)"):
        agreement.confusion(torch.zeros(1, 2).long(), torch.zeros(1, 3).long(), 2)
    with pytest.raises(ValueError, match="has the label 2; there are 2 classes"):
        agreement.confusion(torch.full((1, 3), 2), torch.zeros(1, 3).long(), 2)


def test_a_data_set_that_holds_an_unknown_label_is_refused_as_it_is_made(pictures):
    part = Part(pictures.train.images, pictures.train.masks + 5)
    with pytest.raises(ValueError, match="there are 8 classes, 0 to 7, and nothing else"):
        replace(pictures, train=part)


def test_parts_are_of_other_scenes_and_each_seed_has_its_own(pictures):
    other = load("shapes", 40, 12, 1)
    parts = [p for data in (pictures, other) for p in (data.train, data.validation, data.test)]
    first = [part.images[0] for part in parts]
    assert not any(torch.equal(a, b) for k, a in enumerate(first) for b in first[k + 1 :])
    assert pictures.sentence() == "shape scenes, others for each net: 40 to train, 12 to validate, 12 to test"


def test_training_pictures_have_mean_0_and_deviation_1(pictures):
    x = pictures.normalized(pictures.train.images).double()
    assert x.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert (x.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-4


def test_camvid_that_is_not_here_is_said_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match="CamVid is not on this machine"):
        load("camvid", 1, 1, 0)


# -- pieces ------------------------------------------------------------------------------------------------------------


def test_whole_pictures_are_mirrored_with_their_masks():
    masks = labels(30, 6, 8)
    images = masks[:, None].float().expand(-1, 3, -1, -1)
    seen, labeled = pieces(images, masks, RANDOM, size=(6, 8), zoom=1.0, color=0.0, void=None)
    assert torch.equal(seen[:, 0].long(), labeled)
    turned = [torch.equal(labeled[k], masks[k].flip(-1).long()) for k in range(30)]
    kept = [torch.equal(labeled[k], masks[k].long()) for k in range(30)]
    assert all(a != b for a, b in zip(turned, kept, strict=True))
    assert 5 < sum(turned) < 25  # 15 +- 3.7 deviations of 2.7


def test_a_piece_shows_the_picture_where_the_mask_has_the_label():
    column = torch.arange(64).expand(20, 48, 64)
    row = torch.arange(48)[:, None].expand(20, 48, 64)
    images = torch.stack([column, row, column], dim=1).float()
    seen, labeled = pieces(images, column.byte(), RANDOM, size=(24, 24), zoom=2.0, color=0.0, void=255)
    assert seen.shape == (20, 3, 24, 24)
    inside = (labeled != 255) & (seen[:, 0] > 1) & (seen[:, 0] < 62) & (seen[:, 1] > 1) & (seen[:, 1] < 46)
    assert inside.double().mean() > 0.8
    assert (seen[:, 0] - labeled)[inside].abs().max() <= 0.51  # the nearest pixel's label
    steps = (seen[:, 0, 12, 13] - seen[:, 0, 12, 12]).abs()  # one over the enlargement
    assert steps.min() >= 0.49
    assert steps.max() <= 2.01
    assert steps.std() > 0.1


def test_beyond_the_rim_a_piece_is_void_or_the_rim_goes_on():
    images, masks = torch.ones(40, 3, 16, 16), torch.ones(40, 16, 16, dtype=torch.uint8)
    seen, labeled = pieces(images, masks, RANDOM, size=(32, 32), zoom=1.5, color=0.0, void=7)
    assert set(labeled.unique().tolist()) == {1, 7}
    assert (seen[:, 0][labeled == 7] < 1).any()
    seen, labeled = pieces(images, masks, RANDOM, size=(32, 32), zoom=1.5, color=0.0, void=None)
    assert set(labeled.unique().tolist()) == {1}
    assert torch.allclose(seen, torch.ones_like(seen))


def test_a_zoom_below_1_is_refused():
    with pytest.raises(ValueError, match=r"The zoom is 0.5; it must be at least 1"):
        pieces(torch.zeros(1, 3, 8, 8), labels(1, 8, 8), RANDOM, size=(8, 8), zoom=0.5, color=0.0, void=None)


# -- the loop ----------------------------------------------------------------------------------------------------------


def test_the_rate_rises_to_1_and_falls_to_0():
    rates = [labeling.rate(step, 100) for step in range(100)]
    assert all(a < b for a, b in pairwise(rates[:11]))
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert max(rates) == rates[10] == 1
    assert 0 < rates[-1] < 0.001


def test_the_average_is_of_all_steps_at_first_and_holds_its_share_later():
    model = nn.Linear(1, 1, bias=False)
    average = labeling.Average(model, 0.75)
    seen = []
    for step in range(1, 7):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.follow(step)
        seen.append(average.mean["weight"].item())
    assert seen[:4] == pytest.approx([1, 1.5, 2, 2.5])  # means of 1, 2, 3, 4 so far
    assert seen[4] == pytest.approx(0.75 * 2.5 + 0.25 * 5)
    average.swap()
    assert model.weight.item() == pytest.approx(seen[5])
    average.swap()
    assert model.weight.item() == 6


def test_the_loss_weighs_classes_and_leaves_void_out():
    logits = torch.randn(2, 3, 4, 5, generator=RANDOM)
    masks = labels(2, 4, 5, most=4).long()
    weights = torch.tensor([0.5, 1.0, 4.0])
    total, mass = 0.0, 0.0
    for n, r, c in np.ndindex(2, 4, 5):
        truth = int(masks[n, r, c])
        if truth < 3:
            total -= float(weights[truth] * logits[n, :, r, c].log_softmax(dim=0)[truth])
            mass += float(weights[truth])
    assert float(labeling.loss(logits, masks, weights, 3)) == pytest.approx(total / mass, rel=1e-5)


class Brightest(nn.Module):
    """Scores of three classes: the colors of the pixel itself, and red more where the picture begins."""

    def forward(self, x):
        place = torch.linspace(3, -3, x.shape[3])
        return torch.stack([x[:, 0] + place, x[:, 1], x[:, 2]], dim=1)


def test_answers_are_of_the_scores_over_both_mirrorings(pictures):
    images = pictures.test.images
    found = labeling.answers(Brightest(), pictures, images, PLACE)
    x = pictures.normalized(images)  # the part of the scores that depends on the place cancels
    assert torch.equal(found, x.argmax(dim=1).byte())


def test_testing_leaves_the_net_in_its_mode_and_its_statistics_alone(pictures):
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 8, 1)).train()
    before = net[0].running_mean.clone()
    counts = labeling.tested(net, pictures, pictures.test, PLACE)
    assert net.training
    assert torch.equal(net[0].running_mean, before)
    assert counts.sum() == pictures.test.masks.numel()


def test_convolutions_that_are_normalized_are_turned_and_all_else_is_moved():
    config = replace(unet_recipe.SMOKE, scenes=8, held_out=2)
    trial = labeling.Trial.begin(
        config,
        0,
        lambda *_: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 8, 1)),
    )
    turned, moved = trial.optimizer.param_groups
    assert [tuple(p.shape) for p in turned["params"]] == [(4, 3, 3, 3)]
    assert [tuple(p.shape) for p in moved["params"]] == [(4,), (4,), (8, 4, 1, 1), (8,)]
    trial.step(config, PLACE, 0.5, 1)
    assert (turned["lr"], moved["lr"]) == (config.angle / 2, config.learning_rate / 2)


# -- figures -----------------------------------------------------------------------------------------------------------


def test_an_overlay_shows_each_label_in_its_color_and_leaves_the_rest_grey():
    picture = np.full((2, 2, 3), (40, 80, 120), np.uint8)
    mask = torch.tensor([[0, 3], [255, 7]], dtype=torch.uint8)
    seen = mask_drawing.overlay(picture, mask, share=0.5)
    assert seen[1, 0].tolist() == [80, 80, 80]
    for place, label in (((0, 0), 0), ((0, 1), 3), ((1, 1), 7)):
        expected = 0.5 * mask_drawing.LABELS[label] + 40
        assert np.abs(seen[place] - expected).max() <= 0.5


def test_of_camvid_s_pictures_no_figure_is_made(tmp_path):
    from gradschool.kit.runlog import RunLog

    with RunLog(tmp_path, {}) as run:
        run.measure(4, run=0, phase=0, epoch=1.0, train_loss=1.0, validation_iou=0.5)
        part = Part(labels(5, 3, 8, 8), labels(5, 8, 8, most=11))
        data = Pictures("CamVid", camvid.CLASSES, camvid.VOID, part, part, part, torch.zeros(3), torch.ones(3))
        counts = torch.randint(1, 50, (1, 11, 11), generator=RANDOM)
        outcome = labeling.Outcome(data, {"net": counts}, {"net": part.masks})
        mask_drawing.draw(run, unet_recipe.CAMVID, outcome)
        assert {figure.path.stem for figure in run.figures} == {"loss", "mean-iou", "classes", "confusion"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"scenes": 0}, "scenes is 0; it must be at least 1."),
        ({"epochs": 0}, "epochs is 0; it must be above 0."),
        ({"angle": 0}, "angle is 0; it must be above 0."),
        ({"piece": (32,)}, "give rows and columns"),
        ({"zoom": 0.5}, "zoom must be at least 1"),
        ({"average": 1.0}, "average at least 0 and below 1"),
        ({"balance": 2.0}, "balance must lie in 0 to 1"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_impossible_settings_are_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        unet_recipe.Config(**settings)

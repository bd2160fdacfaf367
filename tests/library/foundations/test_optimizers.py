"""Every rule step for step beside torch.optim, Newton beside a solved system, and the known rates on bowls."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR, StepLR

from gradschool.library.foundations import optimizers_recipe as recipe
from gradschool.library.foundations.descent.bowl import steps_needed
from gradschool.library.foundations.descent.problem import Problem
from gradschool.library.foundations.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Newton,
    Optimizer,
    RMSProp,
    Schedule,
    conjugate_gradients,
)

PAIRS = {
    "gradient descent": (lambda: GradientDescent(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "decayed": (lambda: GradientDescent(0.1, 0.3), lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.3)),
    "momentum": (lambda: Momentum(0.05, 0.1), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.1)),
    "nesterov": (
        lambda: Nesterov(0.05, 0.1, momentum=0.8),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
    ),
    "adagrad": (lambda: AdaGrad(0.3, 0.1), lambda p: torch.optim.Adagrad(p, 0.3, weight_decay=0.1)),
    "rmsprop": (lambda: RMSProp(0.02, 0.1), lambda p: torch.optim.RMSprop(p, 0.02, weight_decay=0.1)),
    "rmsprop with momentum": (
        lambda: RMSProp(0.02, smoothing=0.9, momentum=0.7),
        lambda p: torch.optim.RMSprop(p, 0.02, alpha=0.9, momentum=0.7),
    ),
    "adam": (lambda: Adam(0.05, 0.1), lambda p: torch.optim.Adam(p, 0.05, weight_decay=0.1)),
    "adam, other betas": (
        lambda: Adam(0.05, beta1=0.5, beta2=0.8, epsilon=1e-4),
        lambda p: torch.optim.Adam(p, 0.05, betas=(0.5, 0.8), eps=1e-4),
    ),
    "adamw": (lambda: AdamW(0.05), lambda p: torch.optim.AdamW(p, 0.05)),
    "adamw, strong": (lambda: AdamW(0.05, 0.5), lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.5)),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4)])
def test_each_step_is_torch_s(ours, theirs, shape):
    random = np.random.default_rng(0)
    optimizer, x = ours(), random.normal(size=shape)
    parameter = torch.tensor(x, requires_grad=True)
    reference = theirs([parameter])
    for _ in range(50):
        gradient = np.asarray(np.sin(x) * 3 + random.normal(size=shape))  # of no objective: any sequence will do
        before, given_gradient = np.copy(x), gradient.copy()
        after = optimizer.step(x, gradient)
        assert np.array_equal(x, before)
        assert np.array_equal(gradient, given_gradient)
        parameter.grad = torch.tensor(gradient)
        reference.step()
        assert np.allclose(after, parameter.detach().numpy(), rtol=1e-12, atol=1e-14)
        x = np.asarray(after)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_a_rule_that_was_saved_goes_on_bit_for_bit(ours, theirs):
    random = np.random.default_rng(1)
    gradients = random.normal(size=(8, 6))
    whole, x = ours(), random.normal(size=6)
    for step, gradient in enumerate(gradients):
        if step == 4:
            again, y = ours(), x
            again.load({name: value.copy() for name, value in whole.state().items()})
        x = whole.step(x, gradient)
        if step >= 4:
            y = again.step(y, gradient)
    assert np.array_equal(x, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ours", [pair[0] for pair in PAIRS.values()], ids=PAIRS)
def test_the_precision_of_the_parameters_is_kept(ours, dtype):
    optimizer, x = ours(), np.ones(3, dtype)
    for _ in range(3):
        x = optimizer.step(x, x)
    assert x.dtype == dtype


def test_adam_s_first_step_has_the_length_of_the_rate_whatever_the_gradient_is():
    gradient = np.array([1e-3, -1.0, 1e5])
    assert np.allclose(Adam(0.1).step(np.zeros(3), gradient), -0.1 * np.sign(gradient), rtol=1e-4)


def test_adamw_shrinks_all_weights_alike_and_adam_does_not():
    large = np.array([1e-3, 1e3])  # gradients that are far apart in size, and sum to nothing over time
    x, y = np.ones(2), np.ones(2)
    with_decay, without = AdamW(0.01, 0.1), Adam(0.01, 0.1)
    for step in range(200):
        gradient = large * (-1) ** step
        x, y = with_decay.step(x, gradient), without.step(y, gradient)
    assert x[0] == pytest.approx(x[1], rel=0.02)
    assert y[0] < y[1] - 0.5


# -- the second derivative ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 12), st.integers(0, 10**6))
def test_conjugate_gradients_solve_what_numpy_solves(size, seed):
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    a, b = root @ root.T + 0.1 * np.eye(size), random.normal(size=size)
    p, used = conjugate_gradients(lambda v: a @ v, b, tolerance=1e-12, limit=20 * size)
    assert np.allclose(p, np.linalg.solve(a, b), rtol=1e-6, atol=1e-8)
    assert used <= 20 * size


def test_as_many_products_as_there_are_different_curvatures_are_enough():
    curvatures = np.repeat([1.0, 5.0, 100.0], 20)
    _, used = conjugate_gradients(lambda v: curvatures * v, np.ones(60))
    assert used == 3


def test_where_the_curvature_is_not_positive_the_slope_itself_is_the_way():
    b = np.array([1.0, 2.0])
    p, used = conjugate_gradients(lambda v: -v, b)
    assert (p.tolist(), used) == ([1.0, 2.0], 1)


def problem():
    return Problem.of_split(0, 1e-3)


def test_the_product_with_the_hessian_is_torch_s_and_the_slope_of_the_gradient():
    random = np.random.default_rng(0)
    task = problem()
    parameters, v = random.normal(size=(2, 650))
    product = task.curvature(parameters)(v)
    step = 1e-5
    slope = (task.objective(parameters + step * v)[1] - task.objective(parameters - step * v)[1]) / (2 * step)
    assert np.allclose(product, slope, rtol=1e-6, atol=1e-8)

    x, labels = torch.tensor(task.x), torch.tensor(task.labels)

    def loss(p):
        weight, bias = p[:640].reshape(64, 10), p[640:]
        return torch.nn.functional.cross_entropy(x @ weight + bias, labels) + 5e-4 * (weight**2).sum()

    _, theirs = torch.autograd.functional.hvp(loss, torch.tensor(parameters), torch.tensor(v))
    assert np.allclose(product, theirs.numpy(), rtol=1e-10, atol=1e-12)


def test_the_hessian_is_symmetric_and_nowhere_curved_downwards():
    random = np.random.default_rng(1)
    product = problem().curvature(random.normal(size=650))
    for u, v in random.normal(size=(10, 2, 650)):
        assert u @ product(v) == pytest.approx(v @ product(u), rel=1e-10)
        assert v @ product(v) > 0


def test_newton_reaches_the_minimum_of_a_bowl_in_one_step():
    curvatures = np.array([1.0, 1000.0])
    newton = Newton(tolerance=1e-12)
    x = newton.step(
        np.array([3.0, -2.0]),
        lambda x: (0.5 * float(x @ (curvatures * x)), curvatures * x),
        lambda _: curvatures.__mul__,
    )
    assert np.abs(x).max() < 1e-10
    assert newton.evaluations == 2


def test_newton_s_error_is_squared_by_each_step_near_the_minimum():
    task, newton = problem(), Newton()
    x, sizes = task.start(), []
    for _ in range(12):
        sizes.append(np.linalg.norm(task.objective(x)[1]))
        x = newton.step(x, task.objective, task.curvature)
    sizes = np.array(sizes)
    near = np.flatnonzero((sizes[:-1] < 3e-3) & (sizes[:-1] > 1e-8))
    assert len(near) >= 2
    assert (sizes[near + 1] < np.maximum(100 * sizes[near] ** 2, 1e-15)).all()
    assert sizes[-1] < 1e-14, "and once there it stays"


def test_newton_halves_a_step_that_does_not_fall():
    # sqrt(1 + x^2) at 2: the full step leads to -8, farther away
    newton = Newton(tolerance=1e-12)
    x = newton.step(
        np.array([2.0]),
        lambda x: (float(np.sqrt(1 + x @ x)), x / np.sqrt(1 + x @ x)),
        lambda x: lambda v: (1 + x @ x) ** -1.5 * v,
    )
    assert abs(x[0]) < 2
    assert newton.evaluations > 2


def test_the_minimum_is_scipy_s():
    from scipy.optimize import minimize

    task = problem()
    theirs = minimize(
        task.objective,
        task.start(),
        jac=True,
        hessp=lambda x, v: task.curvature(x)(v),
        method="trust-ncg",
        options={"gtol": 1e-9},
    )
    assert task.minimum() == pytest.approx(theirs.fun, rel=1e-12)


# -- rates of convergence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [10.0, 100.0])
def test_on_a_bowl_each_rule_shrinks_the_error_as_the_papers_say(kappa):
    curvatures, root = np.array([1.0, kappa]), np.sqrt(kappa)
    for rule, share in (
        (GradientDescent(2 / (1 + kappa)), (kappa - 1) / (kappa + 1)),
        (Momentum((2 / (1 + root)) ** 2, momentum=((root - 1) / (root + 1)) ** 2), (root - 1) / (root + 1)),
    ):
        x, steps = np.ones(2), 400
        for _ in range(steps):
            x = rule.step(x, curvatures * x)
        # momentum's error is share^n times a number that grows like n
        assert np.log(np.linalg.norm(x)) / steps == pytest.approx(np.log(share), abs=np.log(steps * root) / steps)


def test_momentum_needs_the_root_of_the_steps():
    kappa = 400.0
    root, curvatures = 20.0, np.geomspace(1, 400, 10)
    plain = steps_needed(GradientDescent(2 / (1 + kappa)), curvatures)
    fast = steps_needed(Momentum((2 / (1 + root)) ** 2, momentum=((root - 1) / (root + 1)) ** 2), curvatures)
    assert plain > 10 * fast
    assert steps_needed(GradientDescent(2.01 / kappa), curvatures, most=500) == 500, "above 2 / kappa it diverges"


# -- schedules ---------------------------------------------------------------------------------------------------------


def torch_rates(scheduler_of, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    scheduler, rates = scheduler_of(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "theirs"),
    [
        (Schedule("cosine", 60), lambda o: CosineAnnealingLR(o, 60)),
        (Schedule("step", 60, factor=0.3), lambda o: StepLR(o, 20, 0.3)),
        (Schedule("linear", 60), lambda o: LinearLR(o, 1.0, 0.0, 60)),
        (Schedule("constant", 60), lambda o: LambdaLR(o, lambda _: 1.0)),
        (
            Schedule("inverse_square_root", 60, 9),
            lambda o: LambdaLR(o, lambda t: min((t + 1) / 10, (10 / (t + 1)) ** 0.5)),
        ),
        (
            Schedule("cosine", 60, 10),
            lambda o: SequentialLR(o, [LinearLR(o, 1 / 11, 1.0, 10), CosineAnnealingLR(o, 50)], [10]),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_a_schedule_is_torch_s(schedule, theirs):
    assert [schedule.at(step) for step in range(60)] == pytest.approx(torch_rates(theirs, 60), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(st.sampled_from(recipe.SHAPES), st.integers(1, 200), st.data())
def test_a_schedule_rises_once_and_then_never_again(shape, total, data):
    warm_up = data.draw(st.integers(0, total - 1))
    rates = [Schedule(shape, total, warm_up).at(step) for step in range(total + 1)]
    assert rates[warm_up] == 1
    assert (np.diff(rates[: warm_up + 1]) > 0).all()
    assert (np.diff(rates[warm_up:]) <= 0).all()
    assert all(0 <= rate <= 1 for rate in rates)


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: GradientDescent(-1.0), "learning_rate is -1.0; it must be at least 0 and finite"),
        (lambda: GradientDescent(float("nan")), "learning_rate is nan"),
        (lambda: Momentum(0.1, momentum=1.0), "momentum is 1.0; it must be at least 0 and below 1"),
        (lambda: Adam(0.1, beta2=1.0), "beta2 is 1.0"),
        (lambda: Newton(tolerance=2.0), "tolerance is 2.0"),
        (lambda: Schedule("steep", 10), "The schedule is 'steep'; it must be one of constant"),
        (lambda: Schedule("step", 10, 10), "warm_up is 10 of 10 steps"),
        (lambda: Schedule("step", 10, factor=0.0), "factor is 0.0"),
        (lambda: Schedule("linear", 10).at(11), "Step 11 lies outside the schedule, which has 10 steps"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_parameters_and_gradient_of_different_shapes_are_refused():
    for ours, _ in PAIRS.values():
        with pytest.raises(ValueError, match=r"The gradient has the shape \(3,\) and the parameters \(2, 3\)"):
            ours().step(np.ones((2, 3)), np.ones(3))


# -- the recipe --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rules": ()}, "rules is empty; name at least one"),
        ({"rules": ("adam", "adam")}, "rules is adam, adam; name at least one rule, and each once"),
        ({"epochs": 0}, "epochs is 0"),
        ({"warm_up": 100}, "warm_up is 100; it must be at least 0 and less than the 100 epochs"),
        ({"rate_factor": 0.0}, "rate_factor is 0.0"),
        ({"weight_decay": 0.0}, "weight_decay must be above 0"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        recipe.Config(**settings)


@pytest.mark.parametrize("cut", [1, 4, 9, 13, 17])
def test_a_run_that_was_killed_goes_on_to_the_same_end(goes_on_to_the_same_end, cut):
    config = recipe.Config(rules=("momentum", "newton", "adam"), epochs=3, warm_up=1, splits=2)
    goes_on_to_the_same_end(recipe.main, config, recipe.Trial, "epoch", cut)


def test_newton_pays_for_its_products_with_passes():
    config = recipe.Config(rules=("newton",), splits=1)
    trial = recipe.Trial(config, problem(), "newton", 0)
    looks = []
    for epoch in range(30):
        trial.epoch(epoch)
        looks.append(trial.looks)
    assert all(look > 0 for look in looks)
    moves = np.flatnonzero(np.diff(looks)) + 1
    assert all(looks[move - 1] <= move for move in moves), "no step before the last one is paid for"


def test_every_rule_comes_near_the_minimum_but_adamw_which_has_another():
    report = recipe.main(recipe.Config(epochs=30, splits=1))
    gaps = {rule: report.details[rule]["gap"] for rule in recipe.RULES}
    assert all(gap < 0.1 for rule, gap in gaps.items() if rule != "adamw")
    assert gaps["newton"] < gaps["gradient_descent"]
    assert all(gap > -1e-12 for gap in gaps.values())
    assert all(report.details[rule]["test_accuracy"] > 0.9 for rule in recipe.RULES)


def test_an_optimizer_without_a_rule_has_no_step():
    with pytest.raises(NotImplementedError):
        Optimizer(0.1).step(np.ones(1), np.ones(1))

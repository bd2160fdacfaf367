"""What is seen of the rooms is checked against marching along rays, and their plans against graph algorithms."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

from gradschool.data import rooms
from gradschool.data.rooms import WALL, Poses, Rooms

NUMBERS = np.random.default_rng(0)


@pytest.fixture(scope="module")
def plans():
    return rooms.load(6, seed=2)


@pytest.fixture(scope="module")
def hall():
    """One empty room of 5 x 3 cells; the other rooms' colors are there, but not they."""
    plan = np.full((1, 7, 7), WALL)
    plan[0, 1:4, 1:6] = 0
    return Rooms(plan, np.arange(9)[None])


def test_types_and_shapes_are_as_declared(plans):
    views = plans.view(plans.anywhere(5), width=30, height=20)
    assert (views.images.shape, views.images.dtype) == ((5, 3, 20, 30), np.uint8)
    assert (views.depth.shape, views.depth.dtype) == ((5, 20, 30), np.float32)
    assert (views.what.shape, views.what.dtype) == ((5, 20, 30), np.uint8)
    assert len(plans.view(plans.anywhere(0)).images) == len(rooms.load(0)) == 0


def test_the_same_seed_gives_the_same_first_plans_and_pictures_whatever_the_count(plans):
    few = rooms.load(2, seed=2)
    assert np.array_equal(few.rooms, plans.rooms[:2])
    poses = few.anywhere(20)
    for name in ("images", "depth", "what"):
        assert np.array_equal(getattr(few.view(poses), name), getattr(plans.view(poses), name))
    assert not np.array_equal(rooms.load(2, seed=3).rooms, few.rooms)


@pytest.mark.parametrize("size", [13, 16, 25])
def test_every_free_cell_can_be_reached_and_no_way_leads_outside(size):
    free = rooms.load(60, seed=1, size=size).free
    for plan in free:
        assert ndimage.label(plan)[1] == 1
    edge = np.ones((size, size), bool)
    edge[1:-1, 1:-1] = False
    assert not free[:, edge].any()


def test_there_are_nine_rooms_of_nine_colors_and_doors_lie_between_two_of_them(plans):
    for plan, colors in zip(plans.rooms, plans.colors, strict=True):
        assert sorted(colors) == list(range(9))
        for room in range(9):
            rows, columns = np.nonzero(plan == room)
            assert np.ptp(rows) >= 2
            assert np.ptp(columns) >= 2
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        for y, x in np.argwhere(plan == 9):
            around = {plan[y, x - 1], plan[y, x + 1]}, {plan[y - 1, x], plan[y + 1, x]}
            assert sorted(len(pair - {WALL}) for pair in around) == [0, 2]


def test_distances_are_those_of_a_shortest_path_algorithm(plans):
    free, size = plans.free[0].ravel(), plans.size
    cells = np.arange(size * size).reshape(size, size)
    edges = np.concatenate([np.stack([cells[1:], cells[:-1]], -1), np.stack([cells.T[1:], cells.T[:-1]], -1)], axis=0)
    edges = edges.reshape(-1, 2)
    edges = edges[free[edges].all(axis=1)]
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(size**2, size**2))
    for goal in NUMBERS.choice(np.flatnonzero(free), 5):
        y, x = divmod(int(goal), size)
        expected = shortest_path(graph, directed=False, indices=goal, unweighted=True)
        found = plans.distances(0, x, y).ravel()
        assert np.array_equal(found[free], expected[free])
        assert np.all(found[~free] == -1)


def marched(plans, pose, row, column, width, height, field_of_view):
    """Walk along the ray through the middle of a pixel until it is in a wall, the floor or the ceiling."""
    plan, x, y, heading = pose
    angle, focal = np.deg2rad(heading), width / 2 / np.tan(np.deg2rad(field_of_view / 2))
    ahead = np.arange(0, 40, 5e-4)  # cells of depth
    right, down = (column + 0.5 - width / 2) / focal * ahead, (row + 0.5 - height / 2) / focal * ahead
    cell_x = np.floor(x + ahead * np.cos(angle) - right * np.sin(angle)).astype(int)
    cell_y = np.floor(y + ahead * np.sin(angle) + right * np.cos(angle)).astype(int)
    high, low = 0.5 + down < 0, 0.5 + down > 1
    inside = (cell_x >= 0) & (cell_x < plans.size) & (cell_y >= 0) & (cell_y < plans.size)
    wall = ~inside
    wall[inside] = ~plans.free[plan][cell_y[inside], cell_x[inside]]
    first = np.argmax(wall | high | low)
    return ahead[first], "ceiling" if high[first] else "floor" if low[first] else "wall"


@pytest.mark.parametrize(("width", "height", "field_of_view"), [(64, 48, 90.0), (41, 60, 60.0)])
def test_depth_and_what_is_seen_are_those_of_a_point_that_marches_along_the_ray(plans, width, height, field_of_view):
    poses = plans.anywhere(40, seed=5)
    views = plans.view(poses, width=width, height=height, field_of_view=field_of_view)
    for n in range(len(poses)):
        pose = int(poses.plan[n]), poses.x[n], poses.y[n], poses.heading[n]
        for _ in range(10):
            row, column = int(NUMBERS.integers(height)), int(NUMBERS.integers(width))
            depth, what = marched(plans, pose, row, column, width, height, field_of_view)
            assert views.depth[n, row, column] == pytest.approx(depth, abs=2e-3), "up to the length of a few strides"
            seen = rooms.PIXEL_CLASSES[views.what[n, row, column]]
            assert seen == what or (what == "wall" and seen in ("door frame", "picture"))


def test_a_wall_straight_ahead_has_one_depth_and_its_height(hall):
    views = hall.view(Poses.at(0, 2.5, 2.5, [0, 90, 180, 270]))
    for depth, what, distance in zip(views.depth, views.what, (3.5, 1.5, 1.5, 1.5), strict=True):
        middle = what[:, 28:36] >= 2
        assert np.allclose(depth[:, 28:36][middle], distance, rtol=1e-6)
        assert abs(middle[:, 0].sum() - 32 / distance) <= 2, "f / z rows, up to a row at each end"


def test_floor_is_where_depth_is_that_of_the_row_and_ceiling_mirrors_it(plans):
    views = plans.view(plans.anywhere(100))
    assert np.array_equal(views.depth, views.depth[:, ::-1])
    by_row = np.broadcast_to((16 / (np.arange(24) + 0.5))[:, None], (100, 24, 64)).astype(np.float32)
    floor = views.what[:, 24:] == 0
    assert np.allclose(views.depth[:, 24:][floor], by_row[floor], rtol=1e-6)
    assert np.all(views.depth[:, 24:][~floor] < by_row[~floor])
    assert np.array_equal(floor[:, ::-1], views.what[:, :24] == 1)


def test_what_one_sees_does_not_depend_on_who_else_looks(plans):
    poses = plans.anywhere(3 * rooms.BLOCK // 2, seed=7)
    together = plans.view(poses)
    for n in range(0, len(poses), 5):
        alone = plans.view(Poses.at(poses.plan[n], poses.x[n], poses.y[n], poses.heading[n]))
        assert np.array_equal(alone.images[0], together.images[n])
        assert np.array_equal(alone.depth[0], together.depth[n])


def test_turning_right_moves_what_one_sees_to_the_left(plans):
    poses = plans.anywhere(20, seed=1)
    turned, _ = plans.step(poses, 2, turn=45)
    before, after = plans.view(poses), plans.view(turned)
    # At 90 degrees of view the right edge becomes the middle; depth there is along another axis, by cos 45 degrees.
    edge = after.depth[:, 23, 32] * np.sqrt(0.5)
    near = np.abs(np.log(before.depth[:, 23, -1] / edge)) < 0.1
    assert near.mean() > 0.8, "up to half a column, which at an edge of a wall may see past it"


@pytest.mark.parametrize(("action", "turn", "times"), [(1, 90, 4), (2, 90, 4), (2, 30, 12), (1, 15, 24)])
def test_turning_all_around_changes_nothing(plans, action, turn, times):
    start = poses = plans.anywhere(30, seed=3)
    for _ in range(times):
        poses, bumped = plans.step(poses, action, turn=turn)
        assert not bumped.any()
    assert np.array_equal(poses.heading, start.heading)
    assert np.array_equal(plans.view(poses).images, plans.view(start).images)


def test_a_walk_stays_off_the_walls_by_the_radius_and_bumps_only_there(plans):
    poses = plans.anywhere(200, seed=4)
    moved = bumps = 0
    for _ in range(60):
        after, bumped = plans.step(poses, NUMBERS.choice(3, 200, p=[0.7, 0.15, 0.15]), stride=0.45, turn=30)
        assert np.array_equal(after.x[bumped], poses.x[bumped])
        went = np.hypot(after.x - poses.x, after.y - poses.y)
        assert np.all(np.isclose(went, 0.45) | (went == 0))
        moved, bumps = moved + (went > 0).sum(), bumps + bumped.sum()
        for part in np.linspace(0, 1, 12):
            x, y = poses.x + part * (after.x - poses.x), poses.y + part * (after.y - poses.y)
            assert plans.free[poses.plan, y.astype(int), x.astype(int)].all(), "no corner is cut"
        for side_x, side_y in [(0.2, 0.2), (-0.2, 0.2), (0.2, -0.2), (-0.2, -0.2)]:
            x, y = np.floor(after.x + 0.999 * side_x), np.floor(after.y + 0.999 * side_y)
            assert plans.free[poses.plan, y.astype(int), x.astype(int)].all()
        poses = after
    assert moved > 1500
    assert bumps > 300


def test_following_the_distances_on_the_grid_leads_to_the_goal_in_as_many_strides(plans):
    plan = 1
    goal = np.argwhere(plans.free[plan])[-1]
    steps = plans.distances(plan, int(goal[1]), int(goal[0]))
    y, x = np.argwhere(plans.free[plan])[0]
    pose, strides = Poses.at(plan, x + 0.5, y + 0.5, 0), 0
    while steps[int(pose.y[0]), int(pose.x[0])]:
        here = steps[int(pose.y[0]), int(pose.x[0])]
        ahead, bumped = plans.step(pose, 0)
        if not bumped[0] and steps[int(ahead.y[0]), int(ahead.x[0])] == here - 1:
            pose, strides = ahead, strides + 1
        else:
            pose, _ = plans.step(pose, 2)
    assert strides == steps[y, x]
    assert (pose.x[0] % 1, pose.y[0] % 1) == pytest.approx((0.5, 0.5))


def test_one_knows_a_room_by_its_color(plans):
    right = 0
    for plan, room in np.ndindex(len(plans), 9):
        rows, columns = np.nonzero(plans.rooms[plan] == room)
        eye = Poses.at(plan, columns.mean() + 0.5, rows.mean() + 0.5, [0, 90, 180, 270])
        views = plans.view(eye, field_of_view=60)
        plain = np.moveaxis(views.images, 1, -1)[(views.what == 2) & (views.depth < 3.5)].mean(axis=0)
        values = rooms.COLOR_VALUES - rooms.COLOR_VALUES.mean(axis=1, keepdims=True)
        hue = plain / 255 - plain.mean() / 255
        angles = (values[:-1] @ hue) / np.linalg.norm(values[:-1], axis=1) / np.linalg.norm(hue)
        guess = 8 if np.linalg.norm(hue) < 0.03 else int(angles.argmax())
        right += guess == plans.colors[plan, room]
    assert right >= 0.9 * 9 * len(plans), "other rooms shine through doors"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: rooms.load(-1), "-1 floor plans from seed 0: neither may be negative."),
        (lambda p: rooms.load(1, size=12), "The size is 12; nine rooms and their walls need at least 13 cells"),
        (lambda p: p.distances(0, 0, 3), r"Cell \(0, 3\) of plan 0 is not free; a way can only lead to where"),
        (lambda p: p.distances(0, 99, 3), r"Cell \(99, 3\) of plan 0 is not free"),
        (lambda p: p.step(p.anywhere(2), [0, 3]), "There is no action 3; they are forward, left, right"),
        (lambda p: p.view(p.anywhere(1), height=47), "Pictures of 47 rows and 64 columns: rows must be even"),
        (lambda p: p.view(p.anywhere(1), field_of_view=180), "The field of view is 180 degrees; it must be between"),
        (lambda p: p.view(Poses.at(0, 0.5, 0.5, 0)), r"Pose 0 is at \(0.5, 0.5\) of plan 0, heading 0: stand in a"),
        (lambda p: p.view(Poses.at(6, 1.5, 1.5, 0)), "stand in a free cell of one of the 6 plans"),
        (lambda p: p.view(Poses.at(0, 1.5, 1.5, np.nan)), "heading nan: stand in a free cell"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(plans, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(plans)

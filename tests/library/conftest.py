"""What tests of several recipes need."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradschool.kit.runlog import RunLog


@pytest.fixture
def goes_on_to_the_same_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Kill a run at the call number `calls` of `owner.name`, resume it, and compare it with one that was not killed."""

    def compared(main: Callable[..., Any], config: Any, owner: Any, name: str, calls: int) -> None:
        with RunLog(tmp_path / "whole", {}) as whole:
            expected = main(config, whole)

        usual, left = getattr(owner, name), [calls]

        def killed(*arguments: Any, **settings: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return usual(*arguments, **settings)

        monkeypatch.setattr(owner, name, killed)
        with RunLog(tmp_path / "cut", {}, checkpoint_seconds=0) as cut, pytest.raises(KeyboardInterrupt):
            main(config, cut)
        monkeypatch.setattr(owner, name, usual)
        with RunLog(tmp_path / "cut") as resumed:
            assert main(config, resumed) == expected
        assert resumed.metrics == whole.metrics
        assert [figure.alt for figure in resumed.figures] == [figure.alt for figure in whole.figures]
        for figure in whole.figures:
            assert (tmp_path / "cut" / "figures" / figure.path.name).read_bytes() == figure.path.read_bytes()

    return compared

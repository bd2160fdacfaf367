"""`gradschool run METHOD`: train a method by its recipe, check it against its target, record what it reached.

The help of a method is made from the catalog, so that only a run itself loads the method's code.
"""

from __future__ import annotations

import errno
import importlib
import json
import platform
import sys
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gradschool.catalog import Method, Option
    from gradschool.kit.runlog import RunLog
    from gradschool.kit.target import Report

METAVARS = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT"}
INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


class Methods(click.Group):
    """A group with one command for each method of the library."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from gradschool import catalog

        return [method.name for method in catalog.methods()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        from gradschool import catalog

        try:
            return _command(catalog.method(name))
        except catalog.UnknownMethod as unknown:
            raise click.UsageError(str(unknown), ctx) from unknown


command = Methods(
    "run",
    help="Train a method by its recipe. `gradschool run METHOD --help` lists its settings.",
    subcommand_metavar="METHOD [OPTIONS]",
)


def _command(method: Method) -> click.Command:
    presets = [preset.lower() for preset in method.presets]
    options = [
        click.Option(["--preset"], type=click.Choice(presets), help="Start from these settings of the recipe."),
        click.Option(["--check"], is_flag=True, help="End with exit code 1 if the target is missed."),
        click.Option(["--record"], is_flag=True, help="Run every preset but smoke, and write results/."),
        click.Option(["--resume"], metavar="PATH|latest", help="Go on with the run in this folder."),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path, file_okay=False),
            help=f"Write the run here instead of in runs/{method.name}/.",
        ),
        *map(_option, method.options),
    ]
    return click.Command(
        method.name,
        params=[*options],
        callback=partial(_run, method),
        short_help=method.summary,
        help=f"{method.title}: {method.summary[:1].lower()}{method.summary[1:]}",
        context_settings={"token_normalize_func": lambda word: word.replace("_", "-")},
    )


def _option(option: Option) -> click.Option:
    flag = option.name.replace("_", "-")
    words = f"{option.help}  [default: {option.default}]"
    if option.type == "bool":
        return click.Option([f"--{flag}/--no-{flag}", option.name], default=None, help=words)
    metavar = "|".join(map(str, option.choices)) or METAVARS.get(option.type, "VALUES,...")
    return click.Option([f"--{flag}", option.name], metavar=metavar, help=words)


@dataclass(frozen=True)
class Asked:
    """The options that every method has."""

    preset: str | None
    check: bool
    record: bool
    resume: str | None
    out: Path | None


def _run(
    method: Method, preset: str | None, check: bool, record: bool, resume: str | None, out: Path | None, **fields: Any
) -> None:
    from gradschool.kit.device import DeviceError, one_thread

    target = method.target_of(preset or _preset_of(method, resume))
    if target is not None and target.device == "core":
        one_thread()  # before anything imports NumPy, which starts its threads at once
    from gradschool.kit.checkpoint import CheckpointError
    from gradschool.kit.options import OptionError
    from gradschool.kit.runlog import Diverged, RunFolderError

    given = {name: value for name, value in fields.items() if value is not None}
    words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    asked = Asked(preset, check, record, resume, out)
    _refuse_contradictions(method, asked, words)
    try:
        missed = _record(method) if record else _once(method, asked, words)
    except (OptionError, RunFolderError) as error:
        raise click.UsageError(str(error)) from error
    except (CheckpointError, DeviceError, Diverged) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise click.ClickException(f"{error.filename or 'The run'} cannot be written: {error.strerror}.") from error
    if check and missed:
        raise click.ClickException(" ".join(missed))


def _preset_of(method: Method, resume: str | None) -> str | None:
    """The preset of the run that is to go on, which decides on its threads; None if there is no such run."""
    folders = [Path(resume)] if resume and resume != "latest" else (Path("runs") / method.name).glob("*")
    files = sorted(folder / "config.json" for folder in folders) if resume else []
    try:
        return str(json.loads(files[-1].read_text(encoding="utf-8"))["preset"])
    except (IndexError, OSError, ValueError, KeyError, TypeError):
        return None  # whatever is wrong with it is said when it is opened


def _refuse_contradictions(method: Method, asked: Asked, words: dict[str, str]) -> None:
    chosen = ["--" + name.replace("_", "-") for name in words]
    if asked.preset:
        chosen.insert(0, "--preset")
    if asked.out:
        chosen.append("--out")
    if asked.record and (chosen or asked.resume):
        raise click.UsageError(f"--record runs the recipe as it is written; leave out {(chosen or ['--resume'])[0]}.")
    if asked.resume and chosen:
        raise click.UsageError(f"A resumed run keeps its settings and its folder; leave out {chosen[0]}.")
    if asked.check and asked.preset == "smoke":
        raise click.UsageError("The smoke preset only shows that the recipe runs; it has no target to check.")
    if asked.check and method.target_of(asked.preset) is None:
        raise click.UsageError(f"The recipe of {method.name} has no target to check.")


def _once(method: Method, asked: Asked, words: dict[str, str]) -> list[str]:
    """One run, new or resumed; returns the sentence of a missed target, if it is one."""
    from gradschool.kit import options
    from gradschool.kit.runlog import RunLog, latest_folder, new_folder

    recipe = _recipe(method)
    runs = Path("runs") / method.name
    if asked.resume:
        folder = latest_folder(runs) if asked.resume == "latest" else Path(asked.resume)
        with RunLog(folder) as run:
            if run.about.get("method") != method.name:
                raise click.UsageError(f"{folder} holds a run of {run.about.get('method')}, not of {method.name}.")
            if run.about.get("code_hash") != method.code_hash:
                click.echo("The code has changed since this run began; its end may not match its beginning.", err=True)
            preset = str(run.about["preset"])
            report, _ = _train(method, recipe, options.from_json(recipe.Config(), run.about["config"]), run)
    else:
        preset = asked.preset or "default"
        start = getattr(recipe, asked.preset.upper()) if asked.preset else recipe.Config()
        config = options.with_words(start, words)
        with RunLog(asked.out or new_folder(runs), _about(method, preset, config)) as run:
            report, _ = _train(method, recipe, config, run)
    return _missed(method, preset, report)


def _record(method: Method) -> list[str]:
    """Run the recipe and its presets, and write down what they reach; returns a sentence for each missed target."""
    from gradschool.catalog import Figure, Places, records
    from gradschool.data.sources import SETS
    from gradschool.kit.device import describe
    from gradschool.kit.runlog import RunLog, new_folder

    if Places.here().tests is None:
        raise click.UsageError("Results are recorded in a checkout of gradschool, and this one is installed.")
    recipe = _recipe(method)
    runs: dict[str, dict[str, Any]] = {}
    figures: dict[str, list[Figure]] = {}
    missed = []
    versions: dict[str, str] = {}
    for preset in ("default", *(name.lower() for name in method.presets if name != "SMOKE")):
        config = recipe.Config() if preset == "default" else getattr(recipe, preset.upper())
        if getattr(config, "dataset", "") in SETS:
            click.echo(f"{preset}: not recorded, because {config.dataset} does not ship with the package.", err=True)
            continue
        with RunLog(new_folder(Path("runs") / method.name), _about(method, preset, config)) as run:
            report, measured = _train(method, recipe, config, run)
        sentences = _missed(method, preset, report)
        missed += sentences
        runs[preset] = {"config": run.about["config"], **measured, "met": not sentences}
        figures[preset] = [Figure(saved.path, saved.title, saved.alt) for saved in run.figures]
        versions = run.about["versions"]
    path = records.write(method, runs, figures, machine=describe(), versions=versions)
    click.echo(f"recorded in {path}")
    return missed


def _recipe(method: Method) -> Any:
    return importlib.import_module(method.module)


def _about(method: Method, preset: str, config: Any) -> dict[str, Any]:
    """What config.json says: enough to run it again."""
    from gradschool.kit import options

    libraries = ("numpy", "torch")
    versions = {name: str(sys.modules[name].__version__) for name in libraries if name in sys.modules}
    return {
        "method": method.name,
        "preset": preset,
        "config": options.to_json(config),
        "code_hash": method.code_hash,
        "versions": {"gradschool": version("gradschool"), "python": platform.python_version(), **versions},
    }


def _train(method: Method, recipe: Any, config: Any, run: RunLog) -> tuple[Report, dict[str, Any]]:
    """Run a recipe's main, tell what it reached and where it is; returns the report, and it as JSON with the time."""
    from gradschool.kit.checkpoint import write_atomically
    from gradschool.kit.loop import Interrupted

    assert run.folder is not None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        report: Report = recipe.main(config, run)
    except Interrupted as interrupted:
        click.echo(f"{interrupted} Go on with `{method.command} --resume {run.folder}`.", err=True)
        raise SystemExit(INTERRUPTED) from interrupted
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise click.ClickException(
            f"The disk that holds {run.folder} is full; make room, and go on with "
            f"`{method.command} --resume {run.folder}`."
        ) from error
    measured = {
        "values": list(report.values),
        "mean": report.mean,
        "spread": report.spread,
        "seeds": list(report.seeds),
        "split": report.split,
        "details": report.details,
        "seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
    }
    content = {"metric": report.metric, **measured}
    write_atomically(run.folder / "report.json", (json.dumps(content, indent=2) + "\n").encode())
    click.echo(f"{report.sentence()} in {measured['seconds']:.1f} s")
    click.echo(f"{run.folder}")
    return report, measured


def _missed(method: Method, preset: str, report: Report) -> list[str]:
    """Why the report misses the preset's target: one sentence or none."""
    from gradschool.kit.target import Target, check

    target = method.target_of(preset)
    if target is None:
        return []
    sentence = check(report, Target(target.metric, target.bar, target.minutes, target.device))  # type: ignore[arg-type]
    return [sentence] if sentence else []

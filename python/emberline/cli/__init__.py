# SPDX-License-Identifier: Apache-2.0
"""The command line: ``emberline embed``, ``rerank``, ``calibrate``, ``info`` and ``bench``.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path

import pyarrow as pa

import emberline
from emberline.cli import bench, calibrate, embed, info, readers, rerank, writers

# "-1", "-4:-1", "-1,-2": values that begin with a minus sign, not flags.
_NEGATIVE_VALUE = re.compile(r"-\d[\d:,-]*")


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        parsed = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
        return parsed.action(parsed)
    except KeyboardInterrupt:
        return _fail("stopped; no output was written", 130)
    except (
        emberline.Error,
        embed.JobError,
        readers.InputError,
        writers.OutputError,
        ImportError,
    ) as error:
        return _fail(str(error), 1)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}", 1)
    except MemoryError:
        return _fail("out of memory", 1)
    except pa.ArrowException as error:
        return _fail(" ".join(str(error).split()), 1)


def _terminate(_number, _frame):
    raise SystemExit(143)


def _fail(message: str, status: int) -> int:
    print(f"emberline: {message}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emberline",
        description="A column of text in, a column of vectors, or of scores, out.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"emberline {emberline.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("embed", help="add a column of vectors to files of text", allow_abbrev=False)
    command.set_defaults(action=_embed)
    _add_job(command, "embedding", "what a row without a vector does (default: fail)")

    command = commands.add_parser("rerank", help="add a column of scores to files of texts", allow_abbrev=False)
    command.set_defaults(action=_rerank)
    queries = command.add_mutually_exclusive_group(required=True)
    queries.add_argument("--query", metavar="TEXT", help="the query of all rows")
    queries.add_argument("--query-column", metavar="NAME", help="column of each row's own query")
    _add_job(command, "score", "what a row without a score does (default: fail)")

    command = commands.add_parser(
        "calibrate", help="find the ranges of a model's vectors, for output=int8 and uint8", allow_abbrev=False
    )
    command.set_defaults(action=_calibrate)
    command.add_argument(
        "inputs", nargs="+", metavar="INPUT", help=f"files or directories of {', '.join(readers.READERS)}"
    )
    command.add_argument("-o", "--out", required=True, type=Path, metavar="FILE", help="the file of ranges, JSON")
    command.add_argument("--model", required=True, metavar="DIR", help="model directory")
    command.add_argument("--column", metavar="NAME", help="text column (default: the only one, or the one named text)")
    command.add_argument("--quiet", action="store_true", help="no progress and no closing line")
    _add_model_options(command)

    command = commands.add_parser("info", help="say what a model directory is", allow_abbrev=False)
    command.set_defaults(action=_info)
    command.add_argument("model", metavar="DIR", help="model directory")
    command.add_argument("--json", action="store_true", help="one JSON object")
    _add_model_options(command)

    command = commands.add_parser("bench", help="time a model on this machine, dtype by dtype", allow_abbrev=False)
    command.set_defaults(action=_bench)
    command.add_argument("model", metavar="DIR", help="model directory")
    command.add_argument("--json", action="store_true", help="one JSON object")
    command.add_argument(
        "--seconds", type=float, default=2.0, metavar="S", help="time that goes into each number (default: 2)"
    )
    _add_model_options(command)
    return parser


def _add_job(command: argparse.ArgumentParser, output_column: str, errors: str) -> None:
    """What all commands take that add a column."""
    command.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help=f"files or directories of {', '.join(readers.READERS)}",
    )
    command.add_argument(
        "-o",
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help=f"one of {', '.join(writers.WRITERS)}",
    )
    command.add_argument("--model", required=True, metavar="DIR", help="model directory")
    command.add_argument(
        "--column",
        metavar="NAME",
        help="text column (default: the only one, or the one named text)",
    )
    command.add_argument(
        "--output-column",
        default=output_column,
        metavar="NAME",
        help=f"default: {output_column}",
    )
    command.add_argument(
        "--errors",
        choices=("fail", "null"),
        default="fail",
        help=errors,
    )
    command.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write counts, times and options as JSON",
    )
    command.add_argument("--quiet", action="store_true", help="no progress and no closing line")
    _add_model_options(command)


def _add_model_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("model options")
    for option in emberline.options():
        values = "|".join(option.choices or ("true", "false") * (option.type == "boolean")) or option.type.upper()
        default = f" (default: {option.default})" if option.default else ""
        text = f"{option.help}{default}".replace("%", "%%")
        group.add_argument(_flag(option.name), dest=f"option_{option.name}", metavar=values, help=text)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _joined(arguments: list[str]) -> list[str]:
    """``--layers -4:-1`` as ``--layers=-4:-1``: argparse would take the value for a flag."""
    flags = {_flag(option.name) for option in emberline.options()}
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in flags and _NEGATIVE_VALUE.fullmatch(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _model_options(parsed: argparse.Namespace) -> dict[str, str]:
    values = vars(parsed)
    given = {option.name: values[f"option_{option.name}"] for option in emberline.options()}
    return {name: value for name, value in given.items() if value is not None}


def _job_arguments(parsed: argparse.Namespace) -> dict[str, object]:
    return {
        "inputs": parsed.inputs,
        "output": parsed.out,
        "model": parsed.model,
        "options": _model_options(parsed),
        "column": parsed.column,
        "output_column": parsed.output_column,
        "errors": parsed.errors,
        "report": parsed.report,
        "is_quiet": parsed.quiet,
    }


def _embed(parsed: argparse.Namespace) -> int:
    return _run(embed.Job(**_job_arguments(parsed)), embed.Vectors)


def _rerank(parsed: argparse.Namespace) -> int:
    asked = {"query": parsed.query, "query_column": parsed.query_column}
    return _run(rerank.Job(**_job_arguments(parsed), **asked), rerank.Scores)


def _run(job: embed.Job, column_class: type) -> int:
    report = embed.run(job, column_class)
    if not job.is_quiet:
        extras = "".join(f", {report[name]:,} {name}" for name in ("nulls", "failed", "truncated") if report[name])
        rates = f"{report['rows_per_second']:,.0f} rows/s, {report['tokens_per_second']:,.0f} tokens/s"
        print(
            f"emberline: {job.output}: {report['rows']:,} rows, {rates}{extras}",
            file=sys.stderr,
        )
    return 0


def _calibrate(parsed: argparse.Namespace) -> int:
    options = _model_options(parsed)
    rows = calibrate.run(parsed.inputs, parsed.out, parsed.model, options, parsed.column, parsed.quiet)
    if not parsed.quiet:
        print(
            f"emberline: {parsed.out}: ranges of {rows:,} rows; now embed --output int8 --ranges {parsed.out}",
            file=sys.stderr,
        )
    return 0


def _bench(parsed: argparse.Namespace) -> int:
    bench.print_bench(bench.measure(parsed.model, _model_options(parsed), parsed.seconds), parsed.json)
    return 0


def _info(parsed: argparse.Namespace) -> int:
    return info.print_info(parsed.model, _model_options(parsed), parsed.json)

"""`odeanalysis`: from a model file to its derivation, its gradient, its certificate and its fit."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from odeanalysis.cli import check, derive, fit, generate, gradient, import_, solve, test, verify
from odeanalysis.cli.errors import reported, stop
from odeanalysis.cli.usage import unknown, usage_reported


class Commands(TyperGroup):
    """Commands whose errors end in one message and an exit code, however they are called."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:  # no arguments are a question for help
            return super().parse_args(ctx, args)
        with usage_reported():
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands:
            stop(unknown("command", args[0], self.commands))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with reported(), usage_reported():
            return super().invoke(ctx)


app = typer.Typer(
    name="odeanalysis",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (derive.derive, solve.solve, gradient.gradient, fit.fit, check.check, generate.generate, test.test, verify.verify):
    app.command()(command)
app.command("import")(import_.import_sbml)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"odeanalysis {version('odeanalysis')}\n")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Derives, computes and certifies the gradients of continuous-depth models.

    Exit codes: 0 well; 1 a solve, fit or check that failed; 2 bad input, with a message that says what to do.
    """


def main() -> None:
    """Runs the command line with the arguments of the process."""
    app()

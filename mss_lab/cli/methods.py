"""`mss-lab methods`: what there is to separate with; imports none of the methods, so that it answers at once."""

import argparse

from .. import catalogue, plugins, shipped
from ..options import Option


def add_arguments(methods: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab methods` to a parser."""
    methods.add_argument("name", metavar="NAME", nargs="?", help="one method, in full (default: all of them)")
    plugins.add_argument(methods)


def run(options: argparse.Namespace) -> int:
    """List the methods of the catalogue with their options; says of each what is not installed."""
    plugins.load_all(options.plugin)
    if options.name is not None:
        method = catalogue.get(options.name)
        _print(method)
        _print_more(method)
        return 0
    for method in catalogue.methods():
        _print(method)
    return 0


def _print(method: catalogue.Method) -> None:
    needs = f" (needs {', '.join(sorted(method.needs))})" if method.needs else ""
    print(f"{method.name}{needs}\n  {method.title}.")
    if method.gives:
        print(f"  Gives {method.gives}.")
    if method.downloads:
        print("  Loads weights once from another computer, or reads your copy of them (--set weights=FOLDER).")
    if remedy := method.missing():
        print(f"  Not ready: {method.name} {remedy}")
    listed = "".join(f"\n    {_listed(name, option)}" for name, option in method.options.items())
    print(f"  Options:{listed or ' none'}")
    if method.lesson:
        written = "" if (shipped.course_folder() / method.lesson).is_file() else " (not written yet)"
        print(f"  Lesson: {method.lesson}{written}")
    if method.reference:
        print(f"  Reference: {method.reference}")


def _print_more(method: catalogue.Method) -> None:
    """What only the page of one method says."""
    if method.downloads:
        print(f"  Loads {method.downloads}. No lesson needs them.")
    if method.assumes:
        print(f"  Assumes: {method.assumes}.")
    facts = [words for fact, words in catalogue.FACTS.items() if fact in method.fits]
    if facts:
        print(f"  Suits a mixture of which this is true: {'; '.join(facts)}.")
    print(f"  Estimates add up to the mixture: {'yes' if method.adds_up else 'not exactly'}.")
    example = next((name for name, option in method.options.items() if option.default is not None), None)
    argument = f", {example}={method.options[example].default!r}" if example else ""
    score = ", score" if "score" in method.needs else ""
    print(f'  In Python: catalogue.separator("{method.name}"{argument})(mixture, sample_rate_hz{score})')
    set_option = f" --set {example}={_as_text(method.options[example].default)}" if example else ""
    notes = " --score NOTES" if "score" in method.needs else ""
    print(f"  Here: mss-lab separate MIX{notes} --method {method.name}{set_option} --out DIR")


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(name: str, option: Option) -> str:
    """An option with its default, and what it may be."""
    value, words = option.default, option.rule.words()
    default = "" if value is None else f"={value:.4g}" if isinstance(value, float) else f"={value}"
    return f"{name}{default}{f'  ({words})' if words else ''}"

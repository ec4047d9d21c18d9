"""`mss-lab evaluate`: a folder of estimates against a folder of true sources."""

import argparse

from .. import files
from ..refusals import RefusedValue


def add_arguments(evaluate: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab evaluate` to a parser."""
    evaluate.add_argument("estimates", metavar="ESTIMATES", help="folder with one audio file per source")
    evaluate.add_argument("sources", metavar="SOURCES", help="folder with the true sources, files named alike")
    evaluate.add_argument("--bss-eval", action="store_true", help="also SIR, SAR and ISR (BSS Eval v4); slower")
    evaluate.add_argument("--csv", metavar="FILE", help="write the table here as well")
    evaluate.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace) -> int:
    """Print a table of metrics, one row a source; write it as CSV where asked."""
    from .. import compare
    from ..datasets.track import audio_files, read_track

    inputs = [*audio_files(options.estimates), *audio_files(options.sources)]
    if options.csv:
        files.check_new_file(options.csv, force=options.force, inputs=inputs)
    estimates = read_track(options.estimates, notes_file=None)
    truth = read_track(options.sources, notes_file=None)
    if set(estimates.sources) != set(truth.sources):
        raise RefusedValue(
            f"the folders must hold files of the same names, got {', '.join(estimates.sources)} in {options.estimates} "
            f"and {', '.join(truth.sources)} in {options.sources}; rename or move away what has no partner"
        )
    if estimates.sample_rate_hz != truth.sample_rate_hz:
        raise RefusedValue(
            f"the folders must have one sample rate, got {estimates.sample_rate_hz} and {truth.sample_rate_hz} Hz; "
            "resample one of them"
        )
    rows = compare.measure("estimate", truth, estimates.sources, 0.0)
    table: dict[str, dict[str, float]] = {row.source: {} for row in rows}
    for row in rows:
        table[row.source] = {"SDR": row.sdr, "SI-SDR": row.si_sdr, "SI-SDRi": row.si_sdr_improvement}
    if options.bss_eval:
        from ..metrics.bss_eval import bss_eval

        scores = bss_eval(truth.sources, estimates.sources, truth.sample_rate_hz, window_s=None).median()
        for name, ratios in scores.items():
            table[name] |= {metric.upper(): ratios[metric] for metric in ("sir", "sar", "isr")}
    print(compare.as_text(compare.with_mean(table), decimals=2))
    if options.csv:
        compare.write_table(options.csv, table, force=options.force)
    return 0

"""Metrics of separation: energy ratios (`energy`), BSS Eval 4 (`bss_eval`), protocols of papers (`protocols`)."""

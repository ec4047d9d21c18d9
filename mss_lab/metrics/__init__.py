"""Measures of separation: energy ratios (`energy`), BSS Eval 4 (`bss_eval`), two papers' protocols (`protocols`)."""

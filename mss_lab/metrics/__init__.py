"""Measures of separation: energy ratios (`energy`) and BSS Eval version 4 (`bss_eval`)."""

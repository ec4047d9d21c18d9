"""Grading: students' notebooks run where they can do no harm, and are judged where they cannot change the verdict.

`one` grades a notebook, in a process of its own. Its kernel runs in a box (`sandbox`, `box`) in which lessons have no
answers (`stubs`). Answers travel out of it (`mss_lab.lessons.judged`, `mss_lab.lessons.wire`) to the `judge`, which
sends verdicts back.
"""

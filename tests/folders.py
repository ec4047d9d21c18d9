"""What lies in a folder, to be compared before and after something was done in it."""

import hashlib
from pathlib import Path

# A sparse file may claim terabytes; of a file beyond this, its size is compared.
LARGEST_READ_BYTES = 10**9


def contents(folder, *, text=False):
    """Path within the folder -> what the file holds, as bytes or as text; None for what is no file."""
    read = Path.read_text if text else Path.read_bytes
    paths = Path(folder).rglob("*")
    return {str(path.relative_to(folder)): read(path) if path.is_file() else None for path in paths}


def snapshot(folder):
    """Path within the folder -> its kind, and its mode and its content; cached bytecode is left out."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if "__pycache__" in path.parts:
            continue
        if path.is_symlink():
            found[name] = ("link", oct(status.st_mode), str(path.readlink()))
        elif path.is_file():
            is_read = status.st_size < LARGEST_READ_BYTES
            held = hashlib.sha256(path.read_bytes()).hexdigest() if is_read else status.st_size
            found[name] = ("file", oct(status.st_mode), held, status.st_mtime_ns)
        else:
            found[name] = ("folder" if path.is_dir() else "other", oct(status.st_mode))
    return found


def write(path, text):
    """Write a text file, and the folders above it that are missing; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path

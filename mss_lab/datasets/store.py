"""A store: many examples in a folder, made once, in parallel if wished, and read back whole or not at all.

An example, an item, is a dict of arrays. Items lie in shards, files of a few items each, and a manifest holds the
SHA-256 of every shard and the facts: from what, and how, the items were made. Whatever stops the making, a kill or a
full disk, costs the shards under way; made again with the same facts, the store goes on where it stopped, and ends
equal byte for byte to one that was never interrupted. Nothing is pickled, and reading needs NumPy alone.

A store of songs holds in each item `audio`, float (sources, samples), sources as in `facts["sources"]`, and `notes`,
float64 (notes, 4): index of the source, pitch (MIDI number), onset and offset in seconds from the item's start.

Contents: make, open_store, Store. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import collections
import contextlib
import errno
import functools
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks, files, shipped
from ..refusals import RefusedType, RefusedValue
from ..temporary import TEMPORARY_PREFIX

MANIFEST = "store.json"
FORMAT = "mss_lab store, version 1"

# What is kept of items already read: a student's whole training set, so that an epoch reads the disk once.
CACHE_BYTES = 2**30

Item = dict[str, np.ndarray]
Recipe = Callable[[int], Mapping[str, np.ndarray]]


class Store:
    """Items of a folder, read on demand; returned by `open_store` and `make`.

    `len(store)` is the number of items; `store[i]`, a dict of read-only arrays, is item i, counted from the end where
    i is negative. Items read last are kept in memory.

    Attributes
    ----------
    folder : Path
    facts : dict
        The facts with which the store was made.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], cache_bytes: int = CACHE_BYTES) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = dict(manifest["facts"])
        self._items: int = manifest["items"]
        self._shard_items: int = manifest["shard_items"]
        self._cache_bytes = cache_bytes
        self._kept_bytes = 0
        self._kept: collections.OrderedDict[int, Item] = collections.OrderedDict()

    def __len__(self) -> int:
        return self._items

    def __repr__(self) -> str:
        return f"Store({str(self.folder)!r}, {self._items} items)"

    def __getitem__(self, index: int) -> Item:
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise RefusedType(f"an item's index must be a whole number, got {index!r}; loop over range(len(store))")
        if not -self._items <= index < self._items:
            raise IndexError(f"an item's index must be from 0 to {self._items - 1}, got {index}")
        index = int(index) % self._items
        item = self._kept.get(index)
        if item is None:
            item = _read_item(self.folder / _shard_name(index // self._shard_items), index)
            self._keep(index, item)
        # A dict of its own: who adds to it or takes from it changes nothing here.
        return dict(item)

    def _keep(self, index: int, item: Item) -> None:
        self._kept[index] = item
        self._kept_bytes += _bytes_of(item)
        while self._kept_bytes > self._cache_bytes and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= _bytes_of(dropped)


def make(
    folder: str | os.PathLike[str],
    recipe: Recipe,
    items: int,
    *,
    facts: Mapping[str, Any],
    shard_items: int = 16,
    jobs: int = 1,
    backend: str | None = None,
    on_shard: Callable[[int, int], None] | None = None,
) -> Store:
    """Make a store, or finish one that was begun.

    Shards that are there and whole are left alone; those that are missing, torn or altered are made. Let one call at
    a time write to a folder.

    Parameters
    ----------
    folder : path
        New, empty, or a store of the same facts. On several machines it must be one that all of them see.
    recipe : function of int
        Item i as a dict of arrays (name -> array of numbers), from i alone: the same at any time, on any machine and
        in any order of calls. Draw from ``np.random.default_rng([seed, i])``.
    items : int >= 1
        A store may grow: more items than last time are added. It never shrinks.
    facts : dict
        What the recipe depends on: seed, engine, names, versions. Anything JSON can hold.
    shard_items : int >= 1
        Items in a file.
    jobs : int
        Shards made at once; -1 for one a processor. 1 needs no joblib.
    backend : str, optional
        joblib's: "loky" (processes here, the usual), "threading", "dask" where a ``distributed.Client`` stands,
        "ray" after ``ray.util.joblib.register_ray()``.
    on_shard : function of (done, all), optional
        Called in this process after each shard.

    Returns
    -------
    Store

    Raises
    ------
    FileExistsError
        If the folder contains other files.
    ValueError
        If the store there has other facts, other shards or more items; if the facts are none JSON can hold; or if
        an item is no dict of plain arrays.
    OSError
        If the disk is full or cannot be written: what is done stays, and the same call goes on from there.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    folder = Path(folder)
    items = checks.check_number("items", items, at_least=1, whole=True)
    shard_items = checks.check_number("shard_items", shard_items, at_least=1, whole=True)
    jobs = checks.check_number("jobs", jobs, at_least=-1, whole=True, hint="1, 2, ... or -1 for one a processor")
    if jobs == 0:
        raise RefusedValue("jobs must be 1 or more, or -1 for one a processor, got 0; choose 1")
    manifest = _begin(folder, items, shard_items, _plain(facts))
    shards = -(-items // shard_items)
    missing = [k for k in range(shards) if not _is_done(folder, manifest, k)]
    done = shards - len(missing)
    tasks = [(k, range(k * shard_items, min(items, (k + 1) * shard_items))) for k in missing]
    write = functools.partial(_make_shard, folder, recipe)
    with _clear_of_a_full_disk(folder, manifest, shards):
        _write_manifest(folder, manifest)
        for entry in _each(write, tasks, jobs, backend):
            manifest["shards"][entry.pop("name")] = entry
            _write_manifest(folder, manifest)
            done += 1
            if on_shard is not None:
                on_shard(done, shards)
    return Store(folder, manifest)


def open_store(folder: str | os.PathLike[str], *, verify: bool = True, cache_bytes: int = CACHE_BYTES) -> Store:
    """Open a store that is whole.

    Parameters
    ----------
    folder : path
    verify : bool
        Whether every shard is compared with its checksum (about a second for a gigabyte); its length always is.
    cache_bytes : int
        How much of the items read last is kept in memory.

    Returns
    -------
    Store

    Raises
    ------
    FileNotFoundError
        If there is no store, or a shard is missing.
    ValueError
        If its making was not finished, its manifest is damaged, or a shard is torn or altered; the message names it.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    again = "make the store again with the same facts: only what is damaged or missing is made"
    for k in range(-(-manifest["items"] // manifest["shard_items"])):
        name = _shard_name(k)
        entry = manifest["shards"].get(name)
        if entry is None or entry["items"] != _items_in(manifest, k):
            raise RefusedValue(f"store {folder} is not finished: {name} has not been made; {again}")
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(f"store {folder} lacks {name}, which was made; {again}")
        if path.stat().st_size != entry["bytes"]:
            raise RefusedValue(f"{path} is torn: {path.stat().st_size} bytes of {entry['bytes']}; {again}")
        if verify and shipped.sha256(path) != entry["sha256"]:
            raise RefusedValue(f"{path} was altered: its checksum is not the one in {MANIFEST}; {again}")
    return Store(folder, manifest, cache_bytes)


def _begin(folder: Path, items: int, shard_items: int, facts: dict[str, Any]) -> dict[str, Any]:
    """The manifest to go on from, already in the folder; what a killed run left half-written is cleared away."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"a store needs a folder, got {folder}, which is a file; choose another name")
    fresh = {"format": FORMAT, "facts": facts, "items": items, "shard_items": shard_items, "shards": {}}
    if not (folder / MANIFEST).is_file():
        others = [path.name for path in _entries(folder) if not path.name.startswith(TEMPORARY_PREFIX)]
        if others:
            raise FileExistsError(
                f"{folder} must be empty or a store, got a folder with {', '.join(others[:3])} and no {MANIFEST}; "
                "choose another folder"
            )
        manifest = fresh
    else:
        manifest = _read_manifest(folder)
        _refuse_another(folder, manifest, fresh)
        manifest["items"] = items
    for path in _entries(folder):
        if path.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(path, ignore_errors=True)
    _write_manifest(folder, manifest)
    return manifest


def _refuse_another(folder: Path, there: Mapping[str, Any], requested: Mapping[str, Any]) -> None:
    names = sorted({*there["facts"], *requested["facts"]})
    differ = [
        f"{name} is {_shortly(there['facts'], name)} there and {_shortly(requested['facts'], name)} here"
        for name in names
        if there["facts"].get(name, ...) != requested["facts"].get(name, ...)
    ]
    if there["shard_items"] != requested["shard_items"]:
        differ.append(f"a shard holds {there['shard_items']} items there and {requested['shard_items']} here")
    if there["items"] > requested["items"]:
        differ.append(f"it has {there['items']} items, and {requested['items']} are fewer")
    if differ:
        raise RefusedValue(
            f"{folder} holds another store: {'; '.join(differ)}. Choose another folder, or delete this one"
        )


def _shortly(facts: Mapping[str, Any], name: str) -> str:
    if name not in facts:
        return "not given"
    text = json.dumps(facts[name], ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_done(folder: Path, manifest: dict[str, Any], k: int) -> bool:
    path = folder / _shard_name(k)
    entry = manifest["shards"].get(path.name)
    if entry is None and path.is_file():
        # Written when the maker was killed, and not yet listed.
        entry = _unlisted(
            path, range(k * manifest["shard_items"], k * manifest["shard_items"] + _items_in(manifest, k))
        )
        if entry is not None:
            manifest["shards"][path.name] = entry
            return True
    if entry is None or entry["items"] != _items_in(manifest, k) or not path.is_file():
        return False
    if shipped.sha256(path) == entry["sha256"]:
        return True
    warnings.warn(f"{path} is torn or altered; it is made again", stacklevel=3)
    return False


def _unlisted(path: Path, indices: range) -> dict[str, Any] | None:
    """What the manifest should say of a shard, if it is whole and holds these items, else None."""
    try:
        with zipfile.ZipFile(path) as shard:
            in_file = {int(name.partition(".")[0]) for name in shard.namelist()}
            if shard.testzip() is not None or in_file != set(indices):
                return None
    except (zipfile.BadZipFile, ValueError, EOFError, OSError):
        return None
    return {"sha256": shipped.sha256(path), "bytes": path.stat().st_size, "items": len(indices)}


def _make_shard(folder: Path, recipe: Recipe, k: int, indices: Iterable[int]) -> dict[str, Any]:
    """Make the items of a shard and write it; what the manifest says of it."""
    arrays, count = {}, 0
    for index in indices:
        for name, array in _checked(recipe(index), index).items():
            arrays[f"{index}.{name}"] = array
        count += 1
    path = folder / _shard_name(k)
    with files.whole_file(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
        checksum, size = shipped.sha256(temporary), temporary.stat().st_size
    return {"name": path.name, "sha256": checksum, "bytes": size, "items": count}


def _checked(item: Any, index: int) -> dict[str, np.ndarray]:
    if not isinstance(item, Mapping) or not item:
        raise RefusedValue(f"the recipe must give a dict of arrays, got {type(item).__name__} for item {index}")
    checked = {}
    for name, value in item.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise RefusedValue(f"an array's name must be one word, got {name!r} in item {index}; rename it")
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise RefusedValue(f"{name} of item {index} must be an array of numbers or text, got Python objects")
        checked[name] = array
    return checked


def _each(
    write: Callable[..., dict[str, Any]], tasks: list[tuple[Any, ...]], jobs: int, backend: str | None
) -> Iterator[dict[str, Any]]:
    """What `write` returns for every task, in the order in which they end."""
    if jobs == 1 and backend is None:
        yield from (write(*task) for task in tasks)
        return
    import joblib

    # Clusters are set in joblib's configuration, not as arguments of Parallel.
    with joblib.parallel_config(backend=backend or "loky", n_jobs=jobs):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(write)(*task) for task in tasks)


@contextlib.contextmanager
def _clear_of_a_full_disk(folder: Path, manifest: Mapping[str, Any], shards: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        done = manifest["shards"]
        size = sum(entry["bytes"] for entry in done.values())
        need = f", about {(shards - len(done)) * size / len(done) / 2**20:.0f} MiB" if done else ""
        raise OSError(
            error.errno,
            f"the disk that holds {folder} is full: {len(done)} of {shards} shards are made and stay; free space for "
            f"the others{need}, and make the store again with the same facts",
        ) from error


def _read_item(path: Path, index: int) -> Item:
    start = f"{index}."
    try:
        with np.load(path, allow_pickle=False) as shard:
            item = {name.removeprefix(start): shard[name] for name in shard.files if name.startswith(start)}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise RefusedValue(
            f"{path} was altered since the store was opened ({error}); make the store again with the same facts"
        ) from error
    for array in item.values():
        array.setflags(write=False)
    return item


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        what = "is no store" if folder.is_dir() else "does not exist"
        raise FileNotFoundError(f"folder {folder} {what}: there is no {MANIFEST} in it; make the store first")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        is_known_format = manifest["format"] == FORMAT
        shards = {
            str(name): {"sha256": str(entry["sha256"]), "bytes": int(entry["bytes"]), "items": int(entry["items"])}
            for name, entry in manifest["shards"].items()
        }
        items, shard_items = int(manifest["items"]), int(manifest["shard_items"])
        facts = dict(manifest["facts"])
        if items < 1 or shard_items < 1:
            raise RefusedValue("no items")
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedValue(
            f"{path} is damaged ({type(error).__name__}: {error}); delete the folder and make the store again"
        ) from error
    if not is_known_format:
        raise RefusedValue(f"{path} must be of the format {FORMAT!r}, got {manifest['format']!r}; make the store again")
    return {"format": FORMAT, "facts": facts, "items": items, "shard_items": shard_items, "shards": shards}


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    with files.whole_file(folder / MANIFEST) as temporary:
        text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    # As they will be read back: tuples are lists in JSON, and keys are text.
    try:
        return dict(json.loads(json.dumps(dict(facts), allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise RefusedValue(
            f"facts must be what JSON can hold, got something else ({error}); use numbers and text"
        ) from error


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _items_in(manifest: Mapping[str, Any], k: int) -> int:
    return int(min(manifest["shard_items"], manifest["items"] - k * manifest["shard_items"]))


def _shard_name(k: int) -> str:
    return f"shard-{k:05d}.npz"


def _bytes_of(item: Item) -> int:
    return sum(array.nbytes for array in item.values())

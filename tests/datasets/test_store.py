"""A store comes whole out of whatever happens while it is made, and says clearly what it cannot mend."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mss_lab.datasets import store
from mss_lab.temporary import TEMPORARY_PREFIX
from tests.folders import contents
from tests.measures import same_items
from tests.paths import ROOT

FACTS = {"seed": 3, "sources": ["violin", "bassoon"], "engine": "noise"}


def recipe(index):
    rng = np.random.default_rng([3, index])
    audio = rng.standard_normal((2, 50)).astype(np.float16)
    return {"audio": audio, "notes": rng.random((index % 3, 4))}


def never(index):
    raise AssertionError(f"item {index} was made again")


def make(folder, items=10, recipe=recipe, **options):
    return store.make(folder, recipe, items, **{"facts": FACTS, "shard_items": 3, **options})


@pytest.fixture
def whole(tmp_path):
    make(tmp_path / "whole")
    return tmp_path / "whole"


def test_what_was_made_is_read_back(tmp_path):
    made = make(tmp_path / "a" / "store")
    for found in (made, store.open_store(tmp_path / "a" / "store"), store.open_store(made.folder, cache_bytes=0)):
        assert len(found) == 10 and found.facts == FACTS
        # In an order that jumps between shards, and twice: once from the disk, once from memory.
        for index in (9, 0, 4, 9, 1, 0, 8):
            assert same_items(found[index], recipe(index))
        assert same_items(found[-1], recipe(9)) and same_items(found[np.int64(2)], recipe(2))
        assert [item["notes"].shape for item in found] == [(index % 3, 4) for index in range(10)]


def test_what_is_read_cannot_spoil_what_is_read_next(whole):
    found = store.open_store(whole)
    item = found[1]
    with pytest.raises(ValueError, match="read-only"):
        item["audio"][:] = 0
    item.clear()
    assert same_items(found[1], recipe(1))


def test_memory_keeps_no_more_than_it_may(whole):
    sizes = [sum(array.nbytes for array in recipe(index).values()) for index in range(10)]
    found = store.open_store(whole, cache_bytes=max(sizes) * 3)
    for index in range(10):
        found[index]
        assert 0 < found._kept_bytes <= max(sizes) * 3
    assert found._kept_bytes == sum(sizes[index] for index in found._kept)


def test_a_store_can_be_sent_to_another_process(whole):
    assert same_items(pickle.loads(pickle.dumps(store.open_store(whole)))[5], recipe(5))


@pytest.mark.parametrize("items, shard_items", [(1, 1), (1, 16), (3, 3), (4, 3), (5, 1)])
def test_any_count_fits(tmp_path, items, shard_items):
    made = make(tmp_path / "store", items, shard_items=shard_items)
    assert len(list(made.folder.glob("*.npz"))) == -(-items // shard_items)
    assert len(store.open_store(made.folder)) == items and same_items(made[items - 1], recipe(items - 1))


@pytest.mark.parametrize("options", [{"jobs": 2, "backend": "threading"}, {"jobs": 2}])
def test_made_in_parallel_it_is_the_same_store(tmp_path, whole, options):
    make(tmp_path / "parallel", **options)
    assert contents(tmp_path / "parallel") == contents(whole)


def on_a_worker(index):
    import distributed

    # Raises where no worker of a cluster runs it.
    distributed.get_worker()
    return recipe(index)


def test_made_on_a_dask_cluster_it_is_the_same_store(tmp_path, whole):
    distributed = pytest.importorskip("distributed")
    workers = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(**workers, dashboard_address=None, local_directory=tmp_path / "dask") as cluster,
        distributed.Client(cluster),
    ):
        make(tmp_path / "cluster", recipe=on_a_worker, jobs=-1, backend="dask")
    assert contents(tmp_path / "cluster") == contents(whole)


KILLED = """
import sys, time, numpy as np
from mss_lab.datasets import store
sys.path.insert(0, sys.argv[2])
from tests.datasets.test_store import recipe, FACTS
def slow(index):
    time.sleep(0.01)
    return recipe(index)
store.make(sys.argv[1], slow, 120, facts=FACTS, shard_items=3, jobs=int(sys.argv[3]), backend=sys.argv[4] or None)
"""


@pytest.mark.parametrize("shards, jobs, backend", [(1, 1, ""), (7, 1, ""), (19, 2, "threading")])
def test_killed_while_it_is_made_it_ends_as_if_it_had_not_been(tmp_path, shards, jobs, backend):
    arguments = [str(tmp_path / "killed"), str(ROOT), str(jobs), backend]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    try:
        limit = time.monotonic() + 60
        while len(list((tmp_path / "killed").glob("shard-*.npz"))) < shards:
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.001)
    finally:
        process.send_signal(signal.SIGKILL) if os.name == "posix" else process.kill()
        process.wait()
    with pytest.raises(ValueError, match=r"store .*killed is not finished: shard-000\d\d\.npz has not been made"):
        store.open_store(tmp_path / "killed")
    # What a kill in the middle of a file leaves behind.
    (tmp_path / "killed" / f"{TEMPORARY_PREFIX}abc").mkdir()
    (tmp_path / "killed" / f"{TEMPORARY_PREFIX}abc" / "shard-00039.npz").write_bytes(b"PK half")
    done = len(list((tmp_path / "killed").glob("shard-*.npz")))
    assert shards <= done < 40
    made = []

    def watched(index):
        made.append(index)
        return recipe(index)

    again = make(tmp_path / "killed", 120, watched)
    assert len(made) == 3 * (40 - done), "only what was not done is done again"
    make(tmp_path / "unbroken", 120)
    assert contents(again.folder) == contents(tmp_path / "unbroken")


def forget(folder, name):
    """The manifest as it stands when a kill comes between a shard and its listing."""
    manifest = json.loads((folder / store.MANIFEST).read_text())
    del manifest["shards"][name]
    (folder / store.MANIFEST).write_text(json.dumps(manifest))


def test_a_shard_that_was_written_but_not_listed_is_kept(whole):
    before = contents(whole)
    forget(whole, "shard-00001.npz")
    make(whole, recipe=never)
    assert contents(whole) == before


@pytest.mark.parametrize("damage", ["damage_by_cutting", "damage_by_a_bit", "of_another"])
def test_a_shard_that_is_not_listed_and_not_whole_is_made_again(whole, damage):
    before = contents(whole)
    forget(whole, "shard-00001.npz")
    if damage == "of_another":
        (whole / "shard-00001.npz").write_bytes((whole / "shard-00000.npz").read_bytes())
    else:
        globals()[damage](whole / "shard-00001.npz")
    make(whole)
    assert contents(whole) == before


def test_a_whole_store_is_not_made_again(whole):
    before = contents(whole)
    assert len(make(whole, recipe=never)) == 10
    assert contents(whole) == before


def test_a_store_grows(tmp_path, whole):
    made = []

    def watched(index):
        made.append(index)
        return recipe(index)

    assert len(make(whole, 14, watched)) == 14
    assert made == [9, 10, 11, 12, 13], "the last shard was not full"
    make(tmp_path / "long", 14)
    assert contents(whole) == contents(tmp_path / "long")


def damage_by_cutting(path):
    path.write_bytes(path.read_bytes()[:-20])


def damage_by_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage, error, words",
    [
        (damage_by_cutting, ValueError, r"shard-00001\.npz is torn: \d+ bytes of \d+; make the store again"),
        (damage_by_a_bit, ValueError, r"shard-00001\.npz was altered: its checksum .*; make the store again"),
        (Path.unlink, FileNotFoundError, r"lacks shard-00001\.npz, which was made; make the store again"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torn or altered")
def test_a_damaged_shard_is_refused_and_made_again(whole, damage, error, words):
    before = contents(whole)
    damage(whole / "shard-00001.npz")
    with pytest.raises(error, match=words):
        store.open_store(whole)
    made = []

    def watched(index):
        made.append(index)
        return recipe(index)

    make(whole, recipe=watched)
    assert made == [3, 4, 5]
    assert contents(whole) == before


def test_making_says_which_shard_it_makes_again(whole):
    damage_by_a_bit(whole / "shard-00002.npz")
    with pytest.warns(UserWarning, match=r"shard-00002\.npz is torn or altered; it is made again"):
        make(whole)


@pytest.mark.parametrize("damage", [damage_by_cutting, damage_by_a_bit])
def test_a_shard_damaged_after_opening_is_refused(whole, damage):
    found = store.open_store(whole)
    # Of three items one at least lies where the damage is; none may come back wrong.
    damage(whole / "shard-00001.npz")
    refused = 0
    for index in (3, 4, 5):
        try:
            assert same_items(found[index], recipe(index))
        except ValueError as error:
            assert "shard-00001.npz was altered since the store was opened" in str(error)
            refused += 1
    assert refused


@pytest.mark.parametrize("failing", [1, 3])
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path, monkeypatch, whole, failing):
    written = []
    savez = np.savez

    def full(path, **arrays):
        written.append(path)
        if len(written) == failing:
            Path(path).write_bytes(b"PK half a file")
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(path, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match=rf"disk that holds .* is full: {failing - 1} of 4 shards are made and stay"):
        make(tmp_path / "store")
    assert len(list((tmp_path / "store").iterdir())) == failing, "the manifest and what is done, no litter"
    monkeypatch.undo()
    make(tmp_path / "store")
    assert contents(tmp_path / "store") == contents(whole)


def test_a_disk_that_is_full_when_the_list_is_written_loses_nothing_either(tmp_path, monkeypatch, whole):
    write = Path.write_text
    written = []

    def full(path, *arguments, **options):
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="is full"):
        make(tmp_path / "store")
    monkeypatch.undo()
    make(tmp_path / "store")
    assert contents(tmp_path / "store") == contents(whole)


def test_other_errors_of_the_disk_are_left_as_they_are(tmp_path, monkeypatch):
    def broken(path, **arrays):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(PermissionError, match="Permission denied"):
        make(tmp_path / "store")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"facts": {**FACTS, "seed": 4}}, "seed is 3 there and 4 here"),
        ({"facts": {"seed": 3, "engine": "noise"}}, r'sources is \["violin", "bassoon"\] there and not given here'),
        ({"facts": {**FACTS, "room": None}}, "room is not given there and null here"),
        ({"shard_items": 4}, "a shard holds 3 items there and 4 here"),
        ({"items": 9}, "it has 10 items, and 9 are fewer"),
    ],
)
def test_another_store_in_the_folder_is_refused(whole, options, words):
    before = contents(whole)
    with pytest.raises(ValueError, match=rf"whole holds another store: {words}\. Choose another folder"):
        make(whole, recipe=never, **options)
    assert contents(whole) == before


def test_facts_come_back_as_json_holds_them(tmp_path):
    made = make(tmp_path / "store", facts={"sources": ("a", "b"), 1: 2.5})
    assert made.facts == {"sources": ["a", "b"], "1": 2.5}
    make(tmp_path / "store", facts={"sources": ("a", "b"), 1: 2.5}, recipe=never)


@pytest.mark.parametrize("facts", [{"rng": np.random.default_rng(0)}, {"level": float("nan")}])
def test_facts_that_json_cannot_hold_are_refused(tmp_path, facts):
    with pytest.raises(ValueError, match="facts must be what JSON can hold"):
        make(tmp_path / "store", facts=facts)
    assert not (tmp_path / "store").exists()


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"must be empty or a store, got a folder with thesis\.txt"):
        make(tmp_path, recipe=never)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}
    with pytest.raises(FileExistsError, match=r"thesis\.txt, which is a file"):
        make(tmp_path / "thesis.txt", recipe=never)
    with pytest.raises(FileNotFoundError, match=r"is no store: there is no store\.json in it; make the store first"):
        store.open_store(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        store.open_store(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        ('{"format": "mss_lab store, version 1"}', "damaged"),
        ('{"format": "tar", "items": 1, "shard_items": 1, "shards": {}, "facts": {}}', "must be of the format"),
        ('{"format": "mss_lab store, version 1", "items": 0, "shard_items": 1, "shards": {}, "facts": {}}', "damaged"),
    ],
)
def test_a_damaged_manifest_is_refused(whole, text, words):
    (whole / store.MANIFEST).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=rf"store\.json .*{words}"):
        store.open_store(whole)
    with pytest.raises(ValueError, match=rf"store\.json .*{words}"):
        make(whole, recipe=never)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_no_pickle_is_ever_opened_or_written(tmp_path, whole):
    with pytest.raises(ValueError, match="audio of item 0 must be an array of numbers or text, got Python objects"):
        make(tmp_path / "store", 1, lambda index: {"audio": np.array([Trap()], dtype=object)})
    shard = whole / "shard-00000.npz"
    np.savez(shard, **{"0.audio": np.array([Trap()], dtype=object)})
    found = store.Store(whole, json.loads((whole / store.MANIFEST).read_text()))
    with pytest.raises(ValueError, match=r"shard-00000\.npz was altered"):
        found[0]


@pytest.mark.parametrize(
    "item, words",
    [
        (None, "must give a dict of arrays, got NoneType for item 0"),
        ({}, "must give a dict of arrays"),
        ({"a b": np.zeros(1)}, "an array's name must be one word, got 'a b' in item 0"),
    ],
)
def test_a_recipe_that_gives_no_item_is_refused(tmp_path, item, words):
    with pytest.raises(ValueError, match=words):
        make(tmp_path / "store", 1, lambda index: item)


@pytest.mark.parametrize("index", [10, -11])
def test_an_index_beyond_the_items_is_refused(whole, index):
    with pytest.raises(IndexError, match=f"must be from 0 to 9, got {index}"):
        store.open_store(whole)[index]


@pytest.mark.parametrize("index", [1.0, "1", True, slice(2)])
def test_an_index_that_is_none_is_refused(whole, index):
    with pytest.raises(TypeError, match="must be a whole number"):
        store.open_store(whole)[index]


@pytest.mark.parametrize("options", [{"items": 0}, {"shard_items": 0}, {"jobs": 0}, {"jobs": -2}])
def test_counts_below_one_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        make(tmp_path / "store", recipe=never, **options)


def test_progress_is_told_from_where_the_store_stands(tmp_path, whole):
    (whole / "shard-00002.npz").unlink()
    told = []
    make(whole, on_shard=lambda done, shards: told.append((done, shards)))
    make(tmp_path / "new", on_shard=lambda done, shards: told.append((done, shards)))
    assert told == [(4, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_reading_needs_numpy_alone(whole):
    code = (
        "import sys\n"
        "for name in 'scipy soundfile soxr tqdm joblib pretty_midi music21 torch'.split(): sys.modules[name] = None\n"
        "from mss_lab.datasets import store\n"
        f"assert store.open_store({str(whole)!r})[4]['audio'].shape == (2, 50)\n"
        "store.make(sys.argv[1], lambda i: {'a': [i]}, 2, facts={})\n"
    )
    subprocess.run([sys.executable, "-c", code, str(whole.parent / "other")], check=True)

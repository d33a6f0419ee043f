"""No output of a command replaces what it reads, or what others have written."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from asymptotics import InvalidInput
from asymptotics.cli.main import cli, main
from asymptotics.cli.output import require_free, write
from asymptotics.results import JSON_END, JSON_START
from asymptotics.spec import example_text, read_spec
from tests.processes import run

HEAD = "kappa = [0.5, 2]\nsigma = 0.5\nalpha = 0.3\n"
SAMPLES = "eigenvalue,coefficient\n1,2\n3,4\n"
NETWORK = "eta = 1\nwidth = 2\nsamples = 9\nsteps = 3\n[task]\nkind = 'teacher'\nfeatures = 2\n"
QUICK = ("--p", "200", "--trials", "8", "--workers", "1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text(SAMPLES)
    (tmp_path / "spec.csv").write_text(HEAD + '[population]\nfile = "data.csv"\n')
    (tmp_path / "network.csv").write_text(NETWORK)
    (tmp_path / "mine.py").write_text(example_text("derivation.py"))
    (tmp_path / "soft.csv").symlink_to("data.csv")
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "data.csv")
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["curve", "spec.csv", "-o", "spec.csv"], "the spec"),
        (["curve", "spec.csv", "-o", "data.csv"], "the samples of its population"),
        (["curve", "spec.csv", "-o", "sub/../data.csv"], "the samples of its population"),
        (["curve", "sub/../spec.csv", "-o", "soft.csv"], "the samples of its population"),
        (["curve", "spec.csv", "-o", "hard.csv"], "the samples of its population"),
        (["verify", "spec.csv", *QUICK, "-o", "data.csv"], "the samples of its population"),
        (["verify", "spec.csv", *QUICK, "-o", "new.csv", "--store", "new.csv"], "the store"),
        (["network", "network.csv", "-o", "./network.csv"], "the spec"),
        (["network", "network.csv", "-o", "new.csv", "--store", "sub/../new.csv"], "the store"),
        (["derive", "show", "mine.py", "--html", "mine.py"], "the derivation"),
    ],
)
def test_what_a_command_reads_it_does_not_replace(
    folder: Path, arguments: list[str], read: str, force: list[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(InvalidInput, match=f"must be another file than {read}"):
        cli.main([*arguments, *force], standalone_mode=False)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_samples_survive_and_the_exit_status_is_2(folder: Path) -> None:
    done = run("curve", "spec.csv", "-o", "data.csv", status=2)
    assert done.stderr == (
        "asymptotics: output = 'data.csv': must be another file than "
        "the samples of its population\n"
    )
    assert (folder / "data.csv").read_text() == SAMPLES


def test_standard_input_is_read_too(folder: Path) -> None:
    """Its redirection is a file as any other."""
    command = [sys.executable, "-m", "asymptotics", "curve", "-", "-o", "spec.csv", "--force"]
    with (folder / "spec.csv").open() as spec:
        done = subprocess.run(command, stdin=spec, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "must be another file than the spec" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".svg", ".png", ".pdf"])
@pytest.mark.parametrize("content", [SAMPLES.encode(), b'{"rows": []}\n', b"\0\1\2", b"<svg/>"])
def test_what_others_have_written_needs_force(folder: Path, suffix: str, content: bytes) -> None:
    output = folder / f"curve{suffix}"
    output.write_bytes(content)
    for command in ("curve", "verify"):
        with pytest.raises(InvalidInput, match=r"not written by asymptotics: .*--force"):
            cli.main([command, "spec.csv", "-o", str(output)], standalone_mode=False)
    with pytest.raises(InvalidInput, match="not written by asymptotics"):
        cli.main(["network", "network.csv", "-o", str(output)], standalone_mode=False)
    assert output.read_bytes() == content
    require_free(output, {}, force=True)


def test_json_that_is_nested_without_end_is_of_others(folder: Path) -> None:
    (folder / "rows.json").write_text(JSON_START + "[" * 100_000 + JSON_END)
    with pytest.raises(InvalidInput, match=r"not written by asymptotics: .*--force"):
        require_free(folder / "rows.json", {}, force=False)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".svg", ".png", ".pdf"])
def test_what_the_package_has_written_it_replaces(folder: Path, suffix: str) -> None:
    output = folder / f"rows{suffix}"
    calls = (
        ["curve", "spec.csv"],
        ["verify", "spec.csv", *QUICK],
        ["network", "network.csv", "--trials", "2", "--workers", "1"],
        ["curve", "spec.csv"],
    )
    (folder / "spec.csv").write_text(HEAD + "[[population]]\nstd = 1\n")
    output.touch()  # an empty file is nobody's loss
    for call in calls:
        before = output.read_bytes()
        cli.main([*call, "-o", str(output)], standalone_mode=False)
        assert output.read_bytes() != before
    # An edited table is no longer what was written.
    if suffix == ".csv":
        output.write_text(re.sub("^kappa", "note,kappa", output.read_text()))
        with pytest.raises(InvalidInput, match="--force"):
            require_free(output, {}, force=False)


def with_a_line(path: Path) -> None:
    path.write_text(f"{path.read_text()}see also page 3\n")


def with_a_row(path: Path) -> None:
    header = path.read_text().splitlines()[0]
    path.write_text(f"{path.read_text()}mean{',' * header.count(',')}\n")


def with_a_note(path: Path) -> None:
    path.write_text(
        path.read_text().replace(' "rows": [', ' "note": "see also page 3",\n "rows": [')
    )


def with_a_key(path: Path) -> None:
    path.write_text(path.read_text().replace('"kappa": 0.5,\n', '"kappa": 0.5,\n   "x": 1,\n'))


def with_zeros(path: Path) -> None:
    table = pd.read_parquet(path)
    table.assign(risk=0.0).to_parquet(path, index=False)


EDITS = [
    (".csv", with_a_line),
    (".csv", with_a_row),
    (".json", with_a_note),
    (".json", with_a_key),
    (".parquet", with_zeros),
]


@pytest.mark.parametrize(("suffix", "edit"), EDITS)
def test_what_was_edited_needs_force(
    folder: Path, suffix: str, edit: Callable[[Path], None]
) -> None:
    output = folder / f"rows{suffix}"
    cli.main(["curve", "spec.csv", "-o", str(output)], standalone_mode=False)
    require_free(output, {}, force=False)
    before = output.read_bytes()
    edit(output)
    assert output.read_bytes() != before
    with pytest.raises(InvalidInput, match=r"not written by asymptotics: .*--force"):
        require_free(output, {}, force=False)
    require_free(output, {}, force=True)


def interrupted(*_: object) -> Iterator[object]:
    raise KeyboardInterrupt
    yield


@pytest.mark.parametrize(
    ("call", "suffix"),
    [
        (["verify", "spec.csv", *QUICK], ".csv"),
        (["curve", "spec.csv", "--simulate", *QUICK], ".svg"),
        (["network", "network.csv", "--trials", "2", "--workers", "1"], ".json"),
    ],
)
def test_a_run_that_is_interrupted_replaces_nothing(
    folder: Path,
    call: list[str],
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = folder / f"rows{suffix}"
    run(*call, "-o", output)
    before = output.read_bytes()
    monkeypatch.setattr("asymptotics.trials.run.run_jobs", interrupted)
    for force in ([], ["--force"]):
        with pytest.raises(SystemExit) as ended:
            main([*call, "-o", str(output), *force])
        assert ended.value.code == 130
        said = capsys.readouterr().err
        assert said.endswith(
            f"asymptotics: interrupted: the rows hold what was done; {output} stays as it was\n"
        )
        assert f"{output}: " not in said
        assert output.read_bytes() == before


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_permissions_stay_as_they_are(folder: Path, mode: int) -> None:
    output = folder / "rows.csv"
    call = ["curve", "spec.csv", "-o", "rows.csv"]
    cli.main(call, standalone_mode=False)
    output.chmod(mode)
    if mode == 0o444:
        with pytest.raises(InvalidInput, match=r"is write-protected: .*--force"):
            cli.main(call, standalone_mode=False)
        call.append("--force")
    before = output.stat().st_ino
    cli.main(call, standalone_mode=False)
    assert output.stat().st_ino != before
    assert output.stat().st_mode & 0o777 == mode


def forbidden(*_: object) -> None:
    raise PermissionError


def test_owner_and_group_stay_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = folder / "rows.csv"
    call = ["curve", "spec.csv", "-o", "rows.csv"]
    cli.main(call, standalone_mode=False)
    may_give = os.geteuid() == 0  # others may only keep what is theirs
    owner, group = (12345, 23456) if may_give else (os.geteuid(), os.getegid())
    os.chown(output, owner, group)
    cli.main(call, standalone_mode=False)
    assert (output.stat().st_uid, output.stat().st_gid) == (owner, group)
    # Where it may not be given away the file is replaced all the same.
    monkeypatch.setattr("os.chown", forbidden)
    before = output.stat().st_ino
    cli.main(call, standalone_mode=False)
    assert output.stat().st_ino != before


def test_a_file_of_two_names_is_not_parted(folder: Path) -> None:
    call = ["curve", "spec.csv", "-o", "rows.csv"]
    cli.main(call, standalone_mode=False)
    (folder / "kept.csv").hardlink_to(folder / "rows.csv")
    with pytest.raises(InvalidInput, match="has another name in its file system"):
        cli.main(call, standalone_mode=False)
    assert (folder / "kept.csv").samefile(folder / "rows.csv")


def test_force(folder: Path) -> None:
    (folder / "other.csv").write_text(SAMPLES)
    assert "--force" in run("curve", "spec.csv", "-o", "other.csv", status=2).stderr
    run("curve", "spec.csv", "-o", "other.csv", "-f")
    assert (folder / "other.csv").read_text().startswith("kappa,")


@pytest.mark.parametrize("name", ["mine.html", "mine.htm", "mine"])
def test_pages_of_derivations(folder: Path, name: str) -> None:
    page = folder / name
    page.write_text("<html>mine</html>")
    show = ["derive", "show", "mine.py", "--html", name]
    with pytest.raises(InvalidInput, match=f"html = '{name}': is there, and not written by"):
        cli.main(show, standalone_mode=False)
    for arguments in ([*show, "--force"], show):
        cli.main(arguments, standalone_mode=False)
        assert "<math" in page.read_text()


def test_a_store_is_not_replaced_even_by_force(folder: Path) -> None:
    run("verify", "spec.csv", *QUICK, "--store", "runs.csv")
    trials = (folder / "runs.csv").read_bytes()
    for call in (["curve", "spec.csv"], ["network", "network.csv"]):
        with pytest.raises(InvalidInput, match="must not be a database, such as a store"):
            cli.main([*call, "-o", "runs.csv", "--force"], standalone_mode=False)
    assert (folder / "runs.csv").read_bytes() == trials


def test_what_is_no_file_is_refused_unopened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")  # opening it would wait for ever
    with pytest.raises(InvalidInput, match="must be a regular file"):
        cli.main(["curve", "spec.csv", "-o", "pipe.csv", "--force"], standalone_mode=False)


def test_links_that_lead_nowhere(folder: Path) -> None:
    (folder / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(InvalidInput, match="must not be a link that leads back to itself"):
        cli.main(["curve", "spec.csv", "-o", "loop.csv"], standalone_mode=False)
    with pytest.raises(InvalidInput, match="cannot be replaced: File name too long"):
        cli.main(["curve", "spec.csv", "-o", "a" * 300 + ".csv"], standalone_mode=False)


def test_a_picture_is_of_the_kind_that_the_name_given_says(folder: Path) -> None:
    """Also where the name is a link, to a file that is called otherwise."""
    (folder / "curve.svg").symlink_to("target.png")
    cli.main(["curve", "spec.csv", "-o", "curve.svg"], standalone_mode=False)
    assert (folder / "curve.svg").is_symlink()
    assert (folder / "target.png").read_text().startswith("<?xml")


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".svg", ".png", ".pdf"])
@pytest.mark.linux
def test_a_full_disk_is_an_error_of_the_system(folder: Path, suffix: str) -> None:
    """Whatever writes the file has no error of its own to add."""
    problem = read_spec(folder / "spec.csv")
    (full := folder / f"full{suffix}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write(problem.solve(), problem, full)

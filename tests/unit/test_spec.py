"""Spec files: what they mean, and what is said of bad ones."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from asymptotics import InvalidInput, Population, RetrainedRisk, risk
from asymptotics.spec import EXAMPLE, Range, example_text, note_of_weights, read_spec
from asymptotics.spec.network import read_network

MINIMAL = """
kappa = 2
sigma = 0.5
alpha = 0.3
"""
GROUP = """
[[population]]
eigenvalue = 10
std = 1
"""


def spec(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_runs() -> None:
    result = read_spec().solve()
    assert result.shape == (41, 1, 1, 1, 3)
    assert set(result.status.ravel()) == {"ok", "diverges"}
    assert example_text(EXAMPLE).startswith("#")


def test_grid_and_rules(tmp_path: Path) -> None:
    text = """
kappa = [0.5, 2]
sigma = 1
alpha = { start = 0.1, stop = 0.9, num = 5 }
ridge = { start = 0.01, stop = 100, num = 5, spacing = "log" }
rule = ["magnitude", { exponent = 0.25 }]
"""
    problem = read_spec(spec(tmp_path, text + GROUP))
    result = problem.solve()
    assert result.shape == (2, 1, 5, 5, 2)
    np.testing.assert_array_equal(np.unique(result.alpha), [0.1, 0.3, 0.5, 0.7, 0.9])
    np.testing.assert_array_equal(np.unique(result.ridge), [0.01, 0.1, 1, 10, 100])
    assert [str(rule) for rule in result.rule[0, 0, 0, 0]] == ["magnitude", "exponent=0.25"]
    assert problem.abscissa == "alpha"
    assert problem.smooth("alpha").solve().shape == (2, 1, 401, 5, 2)
    assert problem.smooth("kappa").axes == problem.axes


def test_a_second_fit(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    keys = "retrain = true\nretrain_ridge = [0, 0.1]\nretrain_towards = ['zero', 'pruned']\n"
    path.write_text(MINIMAL + keys + GROUP)
    problem = read_spec(path)
    result = problem.solve()
    assert isinstance(result, RetrainedRisk)
    assert result.shape == (1, 1, 1, 1, 2, 2, 1)
    ways = {(row["retrain_ridge"], row["retrain_towards"]) for row in result.rows()}
    assert ways == {(0, "zero"), (0, "pruned"), (0.1, "zero"), (0.1, "pruned")}
    assert problem.abscissa == "retrain_ridge"
    path.write_text(MINIMAL + "retrain = false\n" + GROUP)
    assert not isinstance(read_spec(path).solve(), RetrainedRisk)


def test_numbers_are_the_decimals_written() -> None:
    narrow = Range(start=Decimal("1." + 19 * "0" + "1"), stop=Decimal("1." + 17 * "0" + "1"), num=4)
    steps = [float(y - x) for x, y in pairwise(narrow.points())]
    assert steps == pytest.approx([3.3e-19] * 3, rel=1e-3)
    points = Range(start=Decimal("0.1"), stop=Decimal("0.7"), num=7).points()
    assert points == [Decimal(f"0.{k}") for k in range(1, 8)]
    down = Range(start=Decimal(10), stop=Decimal("0.1"), num=3, spacing="log").points()
    assert down == [10, 1, Decimal("0.1")]


@pytest.mark.parametrize(
    ("table", "population"),
    [
        ("[population]\neigenvalue = 3\nstd = 1", Population(eigenvalue=3, std=1)),
        ('[population]\nfamily = "isotropic"\nmean = 2', Population.isotropic(mean=2)),
        (
            '[population]\nfamily = "spike-and-slab"\nfraction = 0.1\nstd = 2',
            Population.spike_and_slab(0.1, std=2),
        ),
        (
            '[population]\nfamily = "power-law"\ncapacity = 0.5\nsource = 0.2',
            Population.power_law(0.5, 0.2),
        ),
        ('[population]\nfile = "samples.csv"', Population.from_samples([1, 2], [0.5, -1])),
    ],
)
def test_populations(tmp_path: Path, table: str, population: Population) -> None:
    (tmp_path / "samples.csv").write_text("coefficient, eigenvalue,name\n0.5,1,a\n-1,2,b\n")
    computed = read_spec(spec(tmp_path, MINIMAL + table)).solve()
    np.testing.assert_allclose(
        computed.risk.ravel(), risk(population, 2, 0.5, 0.3).risk, rtol=1e-13
    )


BAD = {
    "kapa = 2"
    + MINIMAL.replace("kappa = 2", "")
    + GROUP: "kapa = 2: unknown key; did you mean 'kappa'?",
    MINIMAL: "population: must be [[population]] tables",
    MINIMAL + "population = []": "population = []: must be [[population]] tables",
    MINIMAL + "population = 3": "population = 3",
    MINIMAL + "population = [1]": "population[0] = 1: must be a table",
    "sigma = 1\nalpha = 1" + GROUP: "kappa: must be given",
    MINIMAL.replace("2", "-2") + GROUP: "kappa = -2: must be a finite number > 0",
    MINIMAL.replace("0.5", "nan") + GROUP: "sigma = NaN: must be a finite number >= 0",
    MINIMAL.replace("0.5", "inf") + GROUP: "sigma = Infinity: must be a finite",
    MINIMAL.replace("0.5", "[]") + GROUP: "sigma = []: must be a number, a list of numbers or",
    MINIMAL.replace("0.5", "'0.5'") + GROUP: "sigma = '0.5': must be a number, a list",
    MINIMAL.replace("0.5", "true") + GROUP: "sigma = True: must be a number, a list",
    MINIMAL.replace("0.5", "[[1]]") + GROUP: "sigma[0] = [1]: must be a number",
    MINIMAL.replace("0.3", "1.5") + GROUP: "alpha = 1.5: must be a number in [0, 1]",
    MINIMAL.replace("2", "{start = 1, stop = 2}") + GROUP: "kappa.num: must be given",
    MINIMAL.replace("2", "{start = 1, stop = 2, num = 1}") + GROUP: "kappa.num = 1: must",
    MINIMAL.replace("2", "{start = 1, stop = 2, num = 2.5}") + GROUP: "kappa.num = 2.5: must",
    MINIMAL.replace("2", "{start = [1], stop = 2, num = 2}") + GROUP: "kappa.start = [1]: must",
    MINIMAL.replace("2", "{start = 1, stop = 2, number = 2}")
    + GROUP: "kappa.number = 2: unknown key; did you mean 'num'?",
    MINIMAL.replace("2", "{exponent = 1}") + GROUP: "kappa.exponent = 1: unknown key",
    MINIMAL.replace("2", "{start = 0, stop = 2, num = 3, spacing = 'log'}")
    + GROUP: "kappa = 'from 0 to 2': must have positive ends",
    MINIMAL.replace("2", "{start = 1, stop = 2, num = 3, spacing = 'cubic'}")
    + GROUP: "kappa.spacing = 'cubic': must be 'linear' or 'log'",
    MINIMAL + 'rule = "hesian"' + GROUP: "rule = 'hesian': ",
    MINIMAL + 'rule = ["oracle", "hesian"]' + GROUP: "rule[1] = 'hesian': ",
    MINIMAL + "rule = []" + GROUP: "rule = []: must be a rule or a list of rules",
    MINIMAL + "rule = 3" + GROUP: "rule = 3: must be the name of a rule",
    MINIMAL + "retrain = 1" + GROUP: "retrain = 1: must be True or False",
    MINIMAL + "retrain_ridge = 1" + GROUP: "retrain_ridge = 1: must be left out without retrain",
    MINIMAL + "retrain = true\nretrain_ridge = [0, -1]" + GROUP: "retrain_ridge[1] = -1: must be",
    MINIMAL + "retrain = true\nretrain_towards = 'prune'" + GROUP: "did you mean 'pruned'?",
    MINIMAL + "retrain = true\nretrain_towards = []" + GROUP: "must be a word or a list of words",
    MINIMAL + "retrain = true\nretrain_towards = ['zero', 1]" + GROUP: "retrain_towards[1] = 1: ",
    MINIMAL + "retain = true" + GROUP: "retain = True: unknown key; did you mean 'retrain'?",
    MINIMAL + "rule = {exponent = 'x'}" + GROUP: "rule.exponent = 'x': must be a number between",
    MINIMAL + "[[population]]\nfamily = 'power-law'\ncapacity = 0.5": "population[0].family = "
    "'power-law': must stand in one [population], with single brackets: a family has all groups",
    MINIMAL + GROUP + "[[population]]\nfile = 'samples.csv'": "population[1].file = 'samples.csv': "
    "must stand in one [population], with single brackets",
    MINIMAL + GROUP + "weigth = 1": "population[0].weigth = 1: unknown key; did you mean 'weight'?",
    MINIMAL + GROUP.replace("1\n", "[1]\n"): "population[0].std = [1]: must be a number",
    MINIMAL
    + GROUP.replace("10", "-10"): "population[0].eigenvalue = -10: must be a finite number >= 0",
    MINIMAL + '[population]\nfamily = "isotropc"': "did you mean 'isotropic'?",
    MINIMAL + '[population]\nfamily = "isotropic"\nstdd = 1': "did you mean 'std'?",
    MINIMAL + '[population]\nfamily = ["isotropic"]': "population.family = ['isotropic']",
    MINIMAL + '[population]\nfamily = "spike-and-slab"': "population.fraction: must be given",
    MINIMAL
    + '[population]\nfamily = "spike-and-slab"\nfraction = 2': "population.fraction = 2: must",
    MINIMAL + '[population]\nfamily = "isotropic"\nfile = "a.csv"': "a file or a family, not both",
    MINIMAL + "[population]\nfile = 3": "population.file = 3: must be a valid string",
    MINIMAL + '[population]\nfile = "none.csv"': "cannot be read: No such file or directory",
    "kappa = 2\nsigma == 3": "must be valid TOML",
    "kappa = " + "1" * 5000: "must be valid TOML",
    "kappa = " + "[" * 5000: "must be valid TOML",
    MINIMAL.replace("2", "{start = nan, stop = 2, num = 3}") + GROUP: "kappa = NaN: must be a",
    MINIMAL.replace("2", "{start = 1, stop = inf, num = 3}") + GROUP: "kappa = Infinity: must",
    MINIMAL.replace("2", "{start = 1, stop = 1e9999, num = 3}") + GROUP: "must be of magnitude",
    MINIMAL.replace("0.5", "1e-400") + GROUP: "sigma = 1E-400: must be of magnitude",
    MINIMAL + "rule = {exponent = nan}" + GROUP: "rule.exponent = NaN: must be a number between",
    MINIMAL + 'rule = "exponent=nan"' + GROUP: "rule.exponent = NaN: must be a number between",
    MINIMAL + GROUP.replace("10", "1e-400"): "population[0].eigenvalue = 1E-400: must be of",
    MINIMAL + '[population]\nfile = "/dev/zero"': "must be a regular file",
    "sigma = 1\n" + "a." * 100_000 + "a = 1": "line 2: a dotted key must have at most 20 parts",
    "[a" + " . 'b.c'" * 20 + "]": "line 1: a dotted key must have at most 20 parts",
    f"x = {{{'a.' * 20}b = 1}}": "line 1: a dotted key must have at most 20 parts",
    "kappa = 0."
    + "1" * 1_000_000: "must be valid TOML: a number of 1,000,002 characters, of which",
    "kappa = 1e-999999999999999999999": "holds a number that is too large, or too close to 0, to",
    # So many parts, and dots elsewhere, are read.
    "a." * 19 + "a = 1": "a = {'a': ",
    f"{MINIMAL}ridge = [{'0.5, ' * 50}]": "population: must be [[population]] tables",
    f"{MINIMAL}[population]\nfile = '{'a.' * 50}csv'": "cannot be read: No such file",
    "kappa = __import__('os').getcwd()": "must be valid TOML",
}


WINDOWS = MINIMAL + "[population]\nfile = "
ESCAPES = (
    r"in double quotes a backslash begins an escape: write paths as 'C:\data.csv' or C:/data.csv"
)
BAD |= {
    f'{WINDOWS}"{path}"': ESCAPES
    for path in (r"C:\Users\x.csv", r"C:\data.csv", r"C:\temp\new.csv", r"\\server\new.csv", "C:\\")
}


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=range(len(BAD)))
def test_bad_specs(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_spec(spec(tmp_path, text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_malformed_toml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read_spec(spec(tmp_path, "kappa = 2\nsigma = = 3\n"))


def test_grids_have_an_end(tmp_path: Path) -> None:
    axis = "{start = 1, stop = 2, num = 2000}"
    text = f"kappa = {axis}\nsigma = {axis}\nalpha = 0.5\n{GROUP}"
    with pytest.raises(InvalidInput, match="at most 1,000,000 rows"):
        read_spec(spec(tmp_path, text)).solve()


def test_byte_order_mark_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    text = "\ufeff" + (MINIMAL + GROUP).replace("\n", "\r\n")
    assert read_spec(spec(tmp_path, text)).solve().status.item() == "ok"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_spec(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_spec(tmp_path / "binary.toml")


CSV = {
    "eigenvalue,coefficient\n1,2\n3,abc\n": "line 3, coefficient = 'abc': must be a number",
    "eigenvalue,coefficient\n1,2\n3\n": "line 3 has 1 field, its header 2",
    "eigenvalue,coef\n1,2\n": "no column 'coefficient'",
    "eigenvalue,coefficient,coefficient\n1,2,3\n": "each column once, not coefficient again",
    "": "no column 'eigenvalue'",
    "eigenvalue,coefficient\n": "must have one or more rows",
    "eigenvalue,coefficient\n1,nan\n": "line 2, coefficient = nan: must be a finite number",
    "eigenvalue,coefficient\n-1,2\n": "line 2, eigenvalue = -1: must be",
    "eigenvalue,coefficient,weight\n1,2,\n": "line 2, weight = '': must be a number",
    "eigenvalue,coefficient\n1,2 # no\n": "line 2, coefficient = '2 # no': must be a number",
    "eigenvalue,coefficient\n1,2\n\n1,5,2\n": "line 4 has 3 fields, its header 2",
    '"a\nb",eigenvalue,coefficient\n0,1,2\n0,x,2\n': "lines 1 to 2: a quoted field holds the end",
}


@pytest.mark.parametrize(("text", "message"), CSV.items(), ids=range(len(CSV)))
def test_bad_samples(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput) as error:
        Population.from_csv(path)
    assert message in str(error.value)


def test_samples_with_weights_a_mark_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(
        '\ufeff"eigenvalue","coefficient","weight"\n"1",2,3\n4,5,"1"\n', encoding="utf-8"
    )
    assert Population.from_csv(path) == Population([3, 1], [1, 4], [2, 5])


@pytest.mark.parametrize(
    ("population", "total"),
    [
        ("[[population]]\nweight = 0.05\nstd = 1", "0.05"),
        ("[population]\nweight = 0.05\nstd = 1", "0.05"),
        ("[[population]]\nweight = 1\n[[population]]\nweight = 3", "4"),
        ("[[population]]\nweight = 0.3\n[[population]]\nstd = 1", "1.3"),
        ("[[population]]\nweight = 0.3\n[[population]]\nweight = 0.7000001", "1.0000001"),
        ("[[population]]\nweight = 0.3333333\n" * 3, "0.9999999"),
        ("[[population]]\nweight = 1.000000002", "1.000000002"),
        ("[[population]]\nweight = 0.1\n" * 10, None),
        ("[[population]]\nweight = 0.333333333333\n" * 3, None),
        ("[[population]]\nstd = 1\n" * 2, None),
        ('[population]\nfamily = "isotropic"', None),
        ('[population]\nfile = "samples.csv"', None),
    ],
)
def test_weights_that_are_renormalised_are_said(
    tmp_path: Path, population: str, total: str | None
) -> None:
    (tmp_path / "samples.csv").write_text("eigenvalue,coefficient,weight\n1,2,3\n")
    note = note_of_weights(read_spec(spec(tmp_path, MINIMAL + population)).source)
    assert note == (f"the weights of the population sum to {total}; they are divided by it, to sum "
                    "to 1" if total else "")  # fmt: skip


@pytest.mark.linux
def test_a_spec_has_an_end() -> None:
    with pytest.raises(InvalidInput, match="at most 32 MB"):
        read_spec("/dev/zero")


NETWORK = "eta = [1, 2]\nwidth = 8\n"
OTHERS = {
    NETWORK: "spec: this is a spec for `asymptotics network`: it has eta",
    NETWORK + '[task]\nkind = "digits"': "`asymptotics network`: it has eta and [task]",
    # Neither the one nor the other.
    "width = 8\n" + MINIMAL + GROUP: "width = 8: unknown key",
    NETWORK + MINIMAL + GROUP: "eta = [1, 2]: unknown key",
}


@pytest.mark.parametrize(("text", "message"), OTHERS.items(), ids=range(len(OTHERS)))
def test_a_spec_of_a_network_says_so(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        read_spec(spec(tmp_path, text))


def test_a_spec_of_a_linear_model_says_so(tmp_path: Path) -> None:
    for group in (GROUP, '[population]\nfamily = "isotropic"'):
        given = re.escape("[[population]]" if group == GROUP else "[population]")
        message = f"spec: this is a spec for `asymptotics risk`, .*: it has kappa and {given}"
        with pytest.raises(InvalidInput, match=message):
            read_network(spec(tmp_path, MINIMAL + group))
    with pytest.raises(InvalidInput, match="kappa = 2: unknown key"):
        read_network(spec(tmp_path, MINIMAL + NETWORK))


LONG = "x" * 5_000
SIZES = {
    f"{LONG} = 1\n{MINIMAL}{GROUP}": "unknown key",
    f"{MINIMAL}{GROUP}{LONG} = 1": "unknown key",
    f'{MINIMAL}[population]\nfamily = "{LONG}"': "known: isotropic",
    f'{MINIMAL}rule = "{LONG}"{GROUP}': "known: magnitude",
    f'"a\\nb\\u001b" = 1{MINIMAL}{GROUP}': r"a\nb\x1b = 1: unknown key",
    MINIMAL.replace("2", f"{{{LONG} = 1}}") + GROUP: "unknown key",
    MINIMAL.replace("2", f"{{start = 1, stop = 2, num = {10**30}}}") + GROUP: "kappa.num",
    MINIMAL.replace("2", f"{10**400}") + GROUP: "kappa = 1",
    MINIMAL.replace("2", "[" + "1, " * 5_000 + "'x']") + GROUP: "kappa[5000] = 'x'",
    f"{LONG} = 1\n{LONG} = 2": "must be valid TOML",
}


@pytest.mark.parametrize(("text", "message"), SIZES.items(), ids=range(len(SIZES)))
def test_what_is_wrong_is_said_in_short(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as error:
        read_spec(spec(tmp_path, text))
    assert len(str(error.value)) <= 300
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"steps = {10**23 - 1}", "steps = 9{23}: must be a whole number from 1 to 10,000,000"),
        ("width = 1e999999999", "width = 1E.999999999: must be a whole number from 1 to 1,000,000"),
        (f"width = {10**400}", "width = .*must be a whole number from 1 to 1,000,000"),
        ("samples = -1e999999999", "samples = .*must be a whole number from 1 to 1,000,000"),
        (f"[task]\nkind = 'teacher'\nfeatures = {10**30}", "task.features = .* to 1,000,000"),
        (f"[task]\nkind = 'teacher'\nneurons = {10**400}", "task.neurons = .* to 1,000,000"),
    ],
)
def test_sizes_of_networks_have_bounds(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_network(spec(tmp_path, f"eta = 1\n{line}")).run(trials=1)


def test_both_names_of_the_hessian(tmp_path: Path) -> None:
    rules = 'rule = ["hessian", "covariance"]'
    problem = read_spec(spec(tmp_path, MINIMAL + rules + GROUP))
    assert list(map(str, problem.rules)) == ["covariance", "covariance"]
    assert read_network(spec(tmp_path, f"eta = 1\n{rules}")).rules == ("hessian", "hessian")


def test_dots_in_a_comment_are_no_key(tmp_path: Path) -> None:
    dots = ".".join("abcdefghijklmnopqrstuvwxyz")
    grid = f'# see {dots}\n# """\nkappa = 2 # {dots}\nsigma = 1\nalpha = 1\n'
    path = tmp_path / "spec.toml"
    path.write_text(f"{grid}[[population]]\nstd = 1\n")
    assert read_spec(path).solve().status.item() == "ok"
    path.write_text(f"{grid}{dots} = 1\n")
    with pytest.raises(InvalidInput, match="line 6: a dotted key must have at most 20 parts"):
        read_spec(path)

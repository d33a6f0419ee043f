"""Files of samples: what is read of them, and what is said of those that are not as they should."""

import bz2
import csv
import gzip
import io
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from asymptotics import InvalidInput, Population
from asymptotics.population.samples import ignored_columns, read_samples
from asymptotics.spec import read_spec

NAMES = "eigenvalue,coefficient"
TABLE = f"{NAMES}\n1,2\n3,-4\n"
EXPECTED = {"eigenvalue": [1, 3], "coefficient": [2, -4]}


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "samples.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path) -> dict[str, list[float]]:
    """As decimals and as floats, which must agree."""
    written, floats = read_samples(path), read_samples(path, most_exact=0)
    assert all(values.dtype == object for values in written.values())
    assert list(written) == list(floats)
    for name, values in floats.items():
        np.testing.assert_array_equal(written[name].astype(float), values)
    return {name: values.tolist() for name, values in floats.items()}


FIELDS = {
    # R's write.table: the header has no name for the names of its rows.
    '"eigenvalue","coefficient","layer"\n"1",2,0.5,"a"\n"2",3,0.7,"b"\n': "line 2 has 4 fields, "
    "its header 3: row names need a name in the header",
    # The same with a comma at the end of its header, and other columns without a name.
    f'{NAMES},\n"1",2,0.5\n': "line 2, column 3 without a name = '0.5': must be empty, or have",
    f"{NAMES},,\n1,2,,\n1,2,,x\n": "line 3, column 4 without a name = 'x': must be empty, or",
    f",{NAMES},\na,1,2,3\n": "line 2, column 4 without a name = '3': must be empty, or have",
    f"name,{NAMES}\nf1,1,5,0,5\n": "line 2 has 5 fields, its header 3",
    f"name,{NAMES}\nf1,1,234.5,0.5\n": "line 2 has 4 fields, its header 3",
    f"{NAMES},name\n1,2,a\n1,2\n": "line 3 has 2 fields, its header 3",
    f"{NAMES},name\n1,2,a\n1,2,\n1,2,b,\n": "line 4 has 4 fields, its header 3",
    f"{NAMES},,\n1,2\n": "line 2 has 2 fields, its header 4",
    f"name,{NAMES}\na,1,2\n# a remark\n": "line 3 has 1 field, its header 3",
    f"{NAMES},name\n1,2,a\n   \n": "line 3 has 1 field, its header 3",
    f"{NAMES}\n1;2\n": "line 2 has 1 field, its header 2",
    f"{NAMES}\n,\n": "line 2, eigenvalue = '': must be a number",
    f'{NAMES}\n"1,5","0,5"\n': "line 2, eigenvalue = '1,5': must be a number, with a decimal point",
    f"{NAMES}\n1, 2_0\n": "line 2, coefficient = ' 2_0': must be a number",
    f"{NAMES}\n1,\u0663\n": "line 2, coefficient = '\u0663': must be a number",
    f"{NAMES}\n1\0,2\n": "line 2, eigenvalue = '1\\x00': must be a number",
    f"{NAMES}\n1e-400,2\n": "line 2, eigenvalue = '1e-400': is too small for a float",
    f"{NAMES}\n1,1.00000001e100\n": "line 2, coefficient = 1.00000001e+100: must be of magnitude",
    f"{NAMES}\n1,1e400\n": "line 2, coefficient = inf: must be a finite number",
    # The first line that is bad is named, whatever is wrong in others.
    f"{NAMES}\n1e-160,2\n-1,3\n1,nan\n": "line 2, eigenvalue = 1e-160: must be of magnitude",
    f"{NAMES}\n1,2\n1,nan\n-1,3\n": "line 3, coefficient = nan: must be a finite number",
    # The csv module reads the first as 12, and the others as a row that has swallowed the next.
    f'{NAMES}\n"1"2,3\n': "line 2 must be a row of a table: ',' expected after '\"'",
    f'{NAMES},name\n1,2,"a\n3,4,b\n5,6,c"\n': "lines 2 to 4: a quoted field holds the end",
    f'{NAMES},"note\n1,2,3\n4,5,6"\n7,8,9\n': "lines 1 to 3: a quoted field holds the end",
    f'"{NAMES}\n1,2\n",a\n3,4\n': "lines 1 to 3: a quoted field holds the end",
    f'\n"note\n",{NAMES}\n1,2,3\n': "lines 2 to 3: a quoted field holds the end",
    f'{NAMES},name\n1,2,"a\n3,4,b\n': "line 2 must be a row of a table: unexpected end of data",
}
HEADERS = {
    "eigenvalue;coefficient\n1;2\n": "columns are separated by ';': commas are needed",
    "eigenvalue;coefficient\n1,5;2,5\n": "columns are separated by ';': commas are needed, and "
    "decimal points",
    "name\teigenvalue\tcoefficient\na\t1\t2\n": "columns are separated by tabs",
    "eigenvalue coefficient\n1 2\n": "columns are separated by spaces",
    "Eigenvalue,Coefficient\n1,2\n": "no column 'eigenvalue' in its header "
    "'Eigenvalue,Coefficient': did you mean 'Eigenvalue'?",
    "eigenvalues,coefficients\n1,2\n": "did you mean 'eigenvalues'?",
    "eigenvalue,coef\n1,2\n": "no column 'coefficient' in its header 'eigenvalue,coef': did you",
    '"eigenvalue", "coefficient"\n1,2\n': "marks must follow their comma without a space",
    f"# {NAMES}\n1,2\n": "must be the header, without #",
    f"# made today\n{NAMES}\n1,2\n": "must be the header, without #",
    "1,2\n3,4\n": "must be a header, not numbers",
    "": "must be a header",
    ",\n1,2\n": "must be a header",
    f"{NAMES},Weight\n1,2,3\n": "column 'Weight' must be called 'weight' to be read",
    f"{NAMES},counts\n1,2,3\n": "column 'counts' must be called 'weight' to be read",
    f"W,{NAMES}\n1,2,3\n": "column 'W' must be called 'weight' to be read",
    f"{NAMES},std\n1,2,3\n": "column 'std' is not read, and must have another name: a sample has",
    f"weigth,{NAMES}\n1,2,3\n": "column 'weigth' must be called 'weight' to be read",
    **{
        f"{NAMES},{name}\n1,2,3\n": f"column '{name}' must be called 'weight' to be read"
        for name in (
            "fraction",
            "sample_weight",
            "sampleWeight",
            "weight_rel",
            "rel.weight",
            "weights 2",
            "share",
            "proportion",
            "Probability",
            "prob",
            "wgt",
            "wt",
            "mass",
            "n",
            "number",
            "cell-count",
            "cnt",
            "num",
            "sampleweight",
            "frequencies",
            "degeneracy",
            "sizes",
            "n_features",
        )
    },
    **{
        f"{NAMES},{name}\n1,2,3\n": f"column '{name}' is not read, and must have another name"
        for name in ("stdev", "std_dev", "coefficient_std", "variance", "standard deviation")
    },
    f"{NAMES},no\0te\n1,2,3\n": "must be text in UTF-8, or in UTF-16 with its mark",
    f"{NAMES},no\x07te\n1,2,3\n": "column 'no\\x07te' must have no control characters",
    f"{NAMES},a,a\n1,2,3,4\n": "must have each column once, not a again",
    ",".join("x" * 5000) + "\n1\n": "no column 'eigenvalue'",
}


@pytest.mark.parametrize(
    ("text", "message"), [*FIELDS.items(), *HEADERS.items()], ids=range(len(FIELDS | HEADERS))
)
@pytest.mark.parametrize("most_exact", [10_000, 1, 0])
def test_what_is_no_table_is_refused(
    tmp_path: Path, text: str, message: str, most_exact: int
) -> None:
    with pytest.raises(InvalidInput) as error:
        read_samples(write(tmp_path, text), most_exact)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(error.value.allowed) < 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TABLE.replace("\n", "\r\n"), EXPECTED),
        (TABLE.replace("\n", "\r"), EXPECTED),
        (TABLE.replace("\n", "\n\n"), EXPECTED),
        ("\n" + TABLE.removesuffix("\n"), EXPECTED),
        (f"{NAMES},,\n1,2,,\n3,-4,,\n", EXPECTED),
        ('"",coefficient , eigenvalue\n"r,1"," 2 ",1\n"2",-4.0,+3e0\n', EXPECTED),
        (f"{NAMES}\n0e-99999999999999999999,-0\n", {"eigenvalue": [0], "coefficient": [0]}),
        (f"Weight,weight,{NAMES}\n7,1,1,2\n", {n: [v] for n, v in
         [("weight", 1), ("eigenvalue", 1), ("coefficient", 2)]}),
    ],
)  # fmt: skip
def test_what_is_read(tmp_path: Path, text: str, expected: dict[str, list[float]]) -> None:
    assert read(write(tmp_path, text)) == expected


def test_columns_that_are_not_read_are_listed(tmp_path: Path) -> None:
    names = ["note", "layer_number", "explained_variance_ratio", "awaited", "country"]
    path = write(tmp_path, f",{names[0]},{NAMES},{','.join(names[1:])},\n1,a,1,2,b,c,d,e,\n")
    assert read(path) == {"eigenvalue": [1], "coefficient": [2]}
    assert ignored_columns(path) == names
    assert ignored_columns(write(tmp_path, f"weight,{NAMES}\n1,2,3\n")) == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("start", ["", "\n", '"note",'])
def test_a_table_without_its_mark_is_refused(tmp_path: Path, encoding: str, start: str) -> None:
    path = write(tmp_path, start + TABLE, encoding)
    with pytest.raises(InvalidInput, match="must be text in UTF-8, or in UTF-16 with its mark"):
        read_samples(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_by_its_mark(tmp_path: Path, encoding: str) -> None:
    assert read(write(tmp_path, TABLE, encoding)) == EXPECTED
    spec = tmp_path / "spec.toml"
    text = 'kappa = 2\nsigma = 1\nalpha = 0.5\n[population]\nfile = "samples.csv"\n# é\n'
    spec.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert read_spec(spec).population == Population.from_samples([1, 3], [2, -4])


@pytest.mark.parametrize("encoding", ["utf-16-le", "latin-1"])
def test_text_without_its_mark_is_refused(tmp_path: Path, encoding: str) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_bytes("kappa = 2 # é\n".encode(encoding))
    with pytest.raises(InvalidInput, match="must be text in UTF-8, or in UTF-16 with its mark"):
        read_spec(spec)


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv.gz"
    for encoding in ("utf-8", "utf-16"):
        path.write_bytes(gzip.compress(TABLE.encode(encoding)))
        assert read(path) == EXPECTED
    whole = gzip.compress(("1,2\n" * 5000).encode())
    for damaged in (whole[:-20], whole[:30] + b"x" + whole[31:], whole[:-8] + bytes(8), whole[:5]):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput, match=r"samples\.csv\.gz'?: must be a whole gzip file|no"):
            read_samples(path)
    path.write_bytes(gzip.compress(TABLE.encode())[:-8] + bytes(8))
    with pytest.raises(InvalidInput, match="must be a whole gzip file: CRC check failed"):
        read_samples(path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04", "a zip archive, as spreadsheets"),
        (bz2.compress(b""), "a bzip2 file"),
        (bz2.compress(b"1", 1), "a bzip2 file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"PAR1\x15", "a Parquet file"),
        (b"\x93NUMPY", "a NumPy file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (gzip.compress(gzip.compress(b"", mtime=0), mtime=0), "a gzip file"),
    ],
    ids=range(8),
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "samples.csv"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=f"must be text, and is {kind}"):
        read_samples(path)


@pytest.mark.parametrize("name", ["PK", "BZh9", "PAR1", "SQLite format 3", "%PDF"])
def test_text_may_begin_as_other_files_do(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"{name},{NAMES}\n7,1,2\n")
    assert read_samples(path)["coefficient"].tolist() == [2]


@pytest.mark.parametrize("most_exact", [0, 10])
def test_weights_that_are_all_zero(tmp_path: Path, most_exact: int) -> None:
    path = write(tmp_path, f"{NAMES},weight\n1,2,0\n3,4,0\n")
    with pytest.raises(InvalidInput, match=r"samples\.csv.*: column 'weight' must not be all zero"):
        read_samples(path, most_exact)


@pytest.mark.parametrize("path", ["\ud800", "a" * 300, "\0", 3])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidInput, match="file = "):
        read_samples(path)


def test_rounded_zeros_of_a_spectrum(tmp_path: Path) -> None:
    """A negative eigenvalue is refused, with the number that clips it if it may be rounding."""
    path = write(tmp_path, f"{NAMES}\n1,2\n-1.6e-24,3\n-2.4e-15,1\n1e-15,1\n")
    with pytest.raises(InvalidInput, match=r"line 3, eigenvalue = -1\.6e-24: .*clip = 3e-15 makes"):
        Population.from_csv(path)
    assert Population.from_csv(path, clip=3e-15).eigenvalue.tolist() == [1, 0, 0, 0]
    assert read_samples(path, 1, clip=3e-15)["eigenvalue"].tolist() == [1, 0, 0, 0]
    assert read_samples(path, clip=3e-15)["coefficient"].tolist() == [Decimal(c) for c in "2311"]
    spec = tmp_path / "spec.toml"
    text = 'kappa = 2\nsigma = 1\nalpha = 0.5\n[population]\nfile = "samples.csv"\n'
    spec.write_text(text + "clip = 3e-15")
    assert read_spec(spec).population == Population.from_csv(path, clip=3e-15)
    spec.write_text(text + "clip = -1")
    with pytest.raises(InvalidInput, match=r"population\.clip = -1: must be a finite number >= 0"):
        read_spec(spec)


# -- tables that were damaged on their way ---------------------------------------------------------

SIGNS = ',;\t\n\r" #\0_-e.17'


def damaged(text: str, rng: np.random.Generator) -> str:
    """A table with one thing changed, as other programs and slips of the hand change it."""
    place = int(rng.integers(len(text) + 1))
    before, after = text[:place], text[place:]
    return str(rng.choice([
        before + re.sub(",[^,\r\n]*", "", after, count=1),  # a field is lost
        before + rng.choice([",", ",7", "1,"]) + after,  # one comes in
        before + after.replace(",", ";", 1),  # two are one
        text.replace(",", rng.choice([";", "\t", "|"])),
        text.replace(".", ","),  # decimal commas
        before + re.sub(r"(\d)\.", r"1,\g<1>23.", after, count=1),  # thousands
        before + rng.choice(list(SIGNS)) + after,
        before + after[1:],
        before,
        text,
    ]))  # fmt: skip


def a_table(rng: np.random.Generator) -> str:
    others = rng.permutation(["name", "note"])[: rng.integers(3)].tolist()
    numbers = NAMES.split(",") + ["weight"] * int(rng.integers(2))
    names = [""] * int(rng.integers(2)) + rng.permutation([*numbers, *others]).tolist()
    rows = [
        [
            f"{9 * rng.random():.3g}" if name in numbers else rng.choice(["x", "y,z", 'q"r', "7"])
            for name in names
        ]
        for _ in range(rng.integers(1, 5))
    ]
    text = io.StringIO()
    ends = str(rng.choice(["\n", "\r\n", "\r"]))
    csv.writer(text, lineterminator=ends).writerows([names, *rows])
    return text.getvalue()


def by_the_csv_module(text: str) -> dict[str, list[float]]:
    header, *rows = filter(None, csv.reader(io.StringIO(text, newline="")))
    assert {len(row) for row in rows} == {len(header)}
    names = [name.strip() for name in header]
    return {
        name: [float(row[place]) for row in rows]
        for place, name in enumerate(names)
        if name in ("eigenvalue", "coefficient", "weight")
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_table_is_refused_or_read_as_it_is(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    refused = []
    for _ in range(150):
        text = a_table(rng)
        for _ in range(rng.integers(1, 3)):
            text = damaged(text, rng)
        path = write(tmp_path, text)
        try:
            found = read(path)
        except InvalidInput as error:
            refused.append(str(error))
            with pytest.raises(InvalidInput):
                read_samples(path, most_exact=0)
        else:
            assert found == by_the_csv_module(text), text
    assert 30 < len(refused) < 140
    for message in refused:
        assert re.search(
            r": (lines? \d|(no )?column '|must (have (each column|one or more rows)|be text))",
            message,
        )

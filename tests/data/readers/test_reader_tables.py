from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from equipoise.data import load_data
from equipoise.errors import EquipoiseError


@pytest.fixture
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "height": generator.normal(170, 10, size=30),
            "age": generator.integers(0, 90, size=30),
            "smoker": generator.integers(0, 2, size=30).astype(bool),
            "species": generator.choice(["cat", "dog"], size=30),
        }
    )


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet", ".jsonl"])
def test_every_format_gives_the_same_samples(tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = tmp_path / f"people{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    elif ending == ".jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    data = load_data(path, label_column="species")
    assert data.name == "people"
    assert data.column_names == ("height", "age", "smoker")
    assert data.specification.class_names == ("cat", "dog")
    expected = frame[["height", "age", "smoker"]].to_numpy(dtype=np.float64)
    np.testing.assert_allclose(data.samples, expected, rtol=1e-12)
    seen = data.batch(np.arange(30))[0].numpy()
    np.testing.assert_allclose(seen, (expected - expected.mean(axis=0)) / expected.std(axis=0), atol=1e-5)
    again = load_data(path, label_column="species")
    assert again.column_names == data.column_names
    assert again.normalisation == data.normalisation


def test_a_label_column_is_found_by_its_name(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.rename(columns={"species": "label"}).to_csv(tmp_path / "a.csv", index=False)
    assert load_data(tmp_path / "a.csv").specification.classes == 2


def test_columns_can_be_chosen(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "a.csv", index=False)
    data = load_data(tmp_path / "a.csv", column=["age", "height"])
    assert data.column_names == ("age", "height")
    np.testing.assert_array_equal(data.samples[:, 0], frame["age"])
    assert data.labels is None
    assert load_data(tmp_path / "a.csv", column="age").specification.shape == (1,)
    with pytest.raises(EquipoiseError, match="named `hight`; did you mean `height`"):
        load_data(tmp_path / "a.csv", column=["hight"])


def test_a_file_without_names(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 3))
    np.savetxt(tmp_path / "a.csv", values, delimiter=",", fmt="%.17g")
    data = load_data(tmp_path / "a.csv")
    np.testing.assert_array_equal(data.samples, values)
    assert data.column_names == ("column 0", "column 1", "column 2")


def test_rows_as_sequences(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 12))
    pd.DataFrame(values, columns=[f"t{index}" for index in range(12)]).to_csv(tmp_path / "a.csv", index=False)
    data = load_data(tmp_path / "a.csv", kind="sequence")
    assert data.specification.shape == (1, 12)


@pytest.mark.parametrize("shape", [(7,), (2, 7)])
def test_a_column_of_lists(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=(5, *shape))
    pd.DataFrame({"series": values.tolist(), "label": [0, 1, 0, 1, 0]}).to_parquet(tmp_path / "a.parquet")
    data = load_data(tmp_path / "a.parquet")
    np.testing.assert_array_equal(data.samples, values)
    assert data.specification.kind == ("vector" if len(shape) == 1 else "sequence")


def test_lists_of_several_lengths_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"series": [[1.0, 2.0], [1.0]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(EquipoiseError, match=r"column `series` .* of one length"):
        load_data(tmp_path / "a.parquet")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_bad_columns_are_named(tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = tmp_path / f"a{ending}"

    def save(changed: pd.DataFrame) -> None:
        changed.to_parquet(path) if ending == ".parquet" else changed.to_csv(path, index=False)

    save(frame)
    with pytest.raises(EquipoiseError, match=r"column `species` .* not numeric \(for instance '(cat|dog)'\)"):
        load_data(path)
    with pytest.raises(EquipoiseError, match="named `specie`; did you mean `species`"):
        load_data(path, label_column="specie")
    missing = frame.copy()
    missing.loc[4, "height"] = np.nan
    save(missing)
    with pytest.raises(EquipoiseError, match=r"column `height` .* no value in row 4"):
        load_data(path, label_column="species")
    constant = frame.copy()
    constant["age"] = 7
    save(constant)
    with pytest.raises(EquipoiseError, match="column `age` has the same value in every sample"):
        load_data(path, label_column="species")
    assert len(load_data(path, label_column="species", constant_columns="keep")) == 30
    infinite = frame.copy()
    infinite.loc[3, "height"] = np.inf
    save(infinite)
    with pytest.raises(EquipoiseError, match="inf in column `height`, sample 3"):
        load_data(path, label_column="species")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as a table"),
        ('a,b\n1,"2\n', "cannot be read as a table"),
        ("a,b\n1,2\n1,2,3\n", "cannot be read as a table"),
        ("a,b\n", "no rows"),
        ("label\n1\n", "no column besides the labels"),
    ],
)
def test_unreadable_tables_are_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(EquipoiseError, match=rf"a\.csv` .*{message}|{message}.*") as caught:
        load_data(tmp_path / "a.csv")
    assert "a.csv" in str(caught.value)
    assert "\n" not in str(caught.value)

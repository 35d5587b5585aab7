"""Links two cleaned files in clear text with Splink; run by quality.py in an environment of Splink's own.

    python splink_peer.py LEFT.csv RIGHT.csv OUT.csv [--zip] [--term-frequencies]

Columns: row, first_name, surname, birth_date (YYYYMMDD), sex, middle_initial, zip. OUT.csv gets pairs of rows
with their match weight. Without options: the comparisons of Splink's own tutorials.
"""

import argparse
import csv

import pandas as pd
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


def main() -> None:
    """Train and predict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("left")
    parser.add_argument("right")
    parser.add_argument("out")
    parser.add_argument("--zip", action="store_true", dest="with_zip")
    parser.add_argument("--term-frequencies", action="store_true")
    arguments = parser.parse_args()
    api = DuckDBAPI()
    frames = [
        api.register(_read(path), dataset_display_name=name)
        for path, name in ((arguments.left, "left_file"), (arguments.right, "right_file"))
    ]
    settings = _settings(with_zip=arguments.with_zip, term_frequencies=arguments.term_frequencies)
    linker = Linker(frames, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("first_name", "surname", "birth_date")], recall=0.75
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for rule in (block_on("birth_date"), block_on("first_name", "surname")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict(threshold_match_weight=-10).as_pandas_dataframe()
    _write(arguments.out, pairs)


def _read(path: str) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).replace("", None)
    frame["birth_year"] = frame["birth_date"].str[:4]
    frame["zip3"] = frame["zip"].str[:3]
    frame["unique_id"] = frame["row"]
    return frame


def _settings(*, with_zip: bool, term_frequencies: bool) -> SettingsCreator:
    names = [cl.JaroWinklerAtThresholds(name, [0.92, 0.8]) for name in ("first_name", "surname")]
    if term_frequencies:
        names = [name.configure(term_frequency_adjustments=True) for name in names]
    birth = cl.CustomComparison(
        output_column_name="birth_date",
        comparison_levels=[
            cll.NullLevel("birth_date"),
            cll.ExactMatchLevel("birth_date"),
            cll.LevenshteinLevel("birth_date", 1),
            cll.LevenshteinLevel("birth_date", 2),
            cll.ElseLevel(),
        ],
    )
    area = cl.CustomComparison(
        output_column_name="zip",
        comparison_levels=[
            cll.NullLevel("zip"),
            cll.ExactMatchLevel("zip"),
            cll.ExactMatchLevel("zip3"),
            cll.ElseLevel(),
        ],
    )
    rules = [
        block_on("birth_date"),
        block_on("first_name", "surname"),
        block_on("surname", "birth_year"),
        block_on("first_name", "birth_year", "middle_initial"),
    ]
    return SettingsCreator(
        link_type="link_only",
        unique_id_column_name="unique_id",
        comparisons=[
            *names,
            birth,
            cl.ExactMatch("sex"),
            cl.ExactMatch("middle_initial"),
            *([area] if with_zip else []),
        ],
        blocking_rules_to_generate_predictions=[
            *rules,
            *([block_on("surname", "zip"), block_on("first_name", "zip")] if with_zip else []),
        ],
    )


def _write(path: str, pairs: pd.DataFrame) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["left", "right", "weight"])
        for left_file, one, other, weight in zip(
            pairs["source_dataset_l"],
            pairs["unique_id_l"],
            pairs["unique_id_r"],
            pairs["match_weight"],
            strict=True,
        ):
            is_ordered = left_file == "left_file"
            table.writerow([one, other, weight] if is_ordered else [other, one, weight])


if __name__ == "__main__":
    main()

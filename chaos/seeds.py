"""The seeds that every release passes; written down before the first run with them."""

from typing import Final

SEEDS: Final = (
    204_911_377,
    1_730_562_048,
    3_318_207_719,
    90_415_626,
    2_711_483_950,
    1_157_930_264,
    3_902_654_181,
    648_270_993,
    2_046_119_835,
    3_575_801_442,
)

"""Rows of a workload for a device: fewer of them, and rows of ids as a matrix."""
from __future__ import annotations

import numpy as np

from workloads import Data


def first_rows(data: Data, count: int | None) -> Data:
    """The first `count` rows; all of them without a count."""
    if not count or count >= data.rows:
        return data
    if data.ids is None:
        return Data(count, np.ascontiguousarray(data.x[:count]), None, None, data.y[:count])
    return Data(count, None, data.ids[:data.offsets[count]], data.offsets[:count + 1], data.y[:count])


def padded_ids(data: Data, padding: int) -> np.ndarray:
    """int32[rows, longest]: the ids of each row, then `padding`."""
    lengths = np.diff(data.offsets)
    matrix = np.full((data.rows, int(lengths.max())), padding, np.int32)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = data.ids[:data.offsets[-1]]
    return matrix

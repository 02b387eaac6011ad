#!/usr/bin/env python3
"""OpenBLAS's sgemm, the opponent of matmul/f32/N: loaded with ctypes, timed like pewter times itself
(one warm-up, the median of at least five runs and half a second, random data). Prints one JSON line.

  gemm.py N --threads T

On processors with AVX-512 OpenBLAS may not know (newer AMD cores), run it with
OPENBLAS_CORETYPE=SkylakeX: bench/run does.
"""
import argparse
import array
import ctypes
import ctypes.util
import json
import random
import statistics
import time


def load(threads):
    name = ctypes.util.find_library("openblas") or "libopenblas.so.0"
    blas = ctypes.CDLL(name)
    blas.openblas_set_num_threads(threads)
    blas.openblas_get_corename.restype = ctypes.c_char_p
    return blas


def random_matrix(n, seed):
    rng = random.Random(seed)
    row = [rng.gauss(0, 1) for _ in range(min(n * n, 65536))]
    values = array.array("f", (row * (n * n // len(row) + 1))[: n * n])
    return (ctypes.c_float * (n * n)).from_buffer(values), values


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    n, blas = args.n, load(args.threads)
    (a, keep_a), (b, keep_b) = random_matrix(n, 1), random_matrix(n, 2)
    c = (ctypes.c_float * (n * n))()
    one, zero = ctypes.c_float(1), ctypes.c_float(0)

    def product():
        blas.cblas_sgemm(101, 111, 111, n, n, n, one, a, n, b, n, zero, c, n)

    product()
    times, total = [], 0.0
    while total < 0.5 or len(times) < 5:
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
        total += times[-1]
    times.sort()
    median = statistics.median(times)
    spread = (times[len(times) * 3 // 4] - times[len(times) // 4]) / median
    print(json.dumps({"value": 2 * n**3 / median / 1e9, "unit": "GFLOP/s", "spread": spread,
                      "opponent": "OpenBLAS " + blas.openblas_get_corename().decode()}))


if __name__ == "__main__":
    main()

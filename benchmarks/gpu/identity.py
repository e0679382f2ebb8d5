"""Stage identity: samples do not depend on how many are drawn at once, and in float32 not on the processor either.

faultline_device_bench prints a hash over all tokens and the bits of their log-probabilities, in the order of the
samples; equal hashes are equal samples, to the bit. Says nothing about whether the samples are right (parity.py).
"""

import pathlib
import sys

import common
from common import say

# One row at a time, odd tails of every tile, and more than all samples.
BATCHES = (1, 7, 64, 512)

# What is drawn: enough samples that the batches above differ, few enough that one at a time takes seconds.
WORKLOADS = {
    "124m": dict(groups=5, samples=104, prompt=150, new=12),
    # Prefixes of more than one split of 256 keys, suffixes that grow over a block of 16 keys.
    "odd-40": dict(groups=5, samples=104, prompt=260, new=24),
}
# On the CPU too, in float32, where both engines are defined to the bit.
CPU_WORKLOADS = {
    "124m": dict(groups=2, samples=3, prompt=40, new=8),
    "odd-60": dict(groups=3, samples=10, prompt=33, new=24),
}


def hashes_equal(results, what, runs):
    """`runs`: [(label, function that returns a hash)]. One row."""
    hashes = {}
    for label, run in runs:
        try:
            hashes.setdefault(run(), []).append(label)
        except Exception as failure:  # a run that broke is a different result
            hashes.setdefault(f"no result: {failure}", []).append(label)
    same = len(hashes) == 1 and not next(iter(hashes)).startswith("no result")
    value = f"equal: {', '.join(next(iter(hashes.values())))}"
    if not same:
        value = "; ".join(f"{', '.join(labels)}: {text}" for text, labels in hashes.items())
    results.row(what, value, "equal to the bit", same)


def main():
    options = common.arguments(__doc__)
    chosen = options.parse_args()
    results = common.Results(chosen.state, "identity")
    folder = pathlib.Path(chosen.build) / "gpu-check" / "models"
    models = {}
    for shape in sorted({*WORKLOADS, *CPU_WORKLOADS}):
        models[shape] = common.save_model(common.random_model(shape, "cuda"), folder / f"identity-{shape}")
    say("models written")

    def sampling_run(shape, **settings):
        return lambda: common.run_bench(chosen.build, models[shape], temperature=0.8, top_p=0.95, repeat=1, **settings)[
            "hash"
        ]

    for shape, workload in WORKLOADS.items():
        for dtype in ("bfloat16", "float32"):
            runs = [
                (f"batch {batch}", sampling_run(shape, dtype=dtype, device="cuda", batch=batch, **workload))
                for batch in BATCHES
            ]
            samples = workload["groups"] * workload["samples"]
            hashes_equal(results, f"{shape}: {dtype}, {samples} samples at different batch sizes", runs)
    for shape, workload in CPU_WORKLOADS.items():
        runs = [(device, sampling_run(shape, dtype="float32", device=device, **workload)) for device in ("cuda", "cpu")]
        hashes_equal(results, f"{shape}: float32 on the GPU and on the CPU", runs)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())

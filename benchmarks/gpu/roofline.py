"""How much work a step of GPT-2 sampling is, what share of a GPU's ceilings a measured step reaches, and what those
shares say about another GPU. Arithmetic on counts alone; measures nothing, needs no PyTorch. `python3 roofline.py`
tests itself.

Counted per step, as the least that bf16 sampling with a shared prompt must do: weights read once, the prompt's keys and
values once per group, a sample's own keys and values once at their mean length, its new ones written, logits written
and read in float32. Activations inside a layer are left out: they can stay in the cache of the chip.
"""

from dataclasses import dataclass


@dataclass
class Work:
    bytes: float
    flops: float


@dataclass
class Ceiling:
    bandwidth: float  # bytes/s
    rate: float  # flop/s of bf16 matrix products, float32 accumulation


@dataclass
class Shares:
    bandwidth: float
    rate: float


# NVIDIA's datasheet (GA106, 12 GB): memory bandwidth, and dense bf16 on the tensor cores with float32 accumulation.
RTX_3060 = Ceiling(bandwidth=360e9, rate=25e12)


def step_work(sizes, groups, samples, prompt, new):
    """One step of groups * samples sequences, on average over `new` tokens. `sizes` are those of common.SHAPES."""
    layers, width, vocabulary = sizes["n_layer"], sizes["n_embd"], sizes["vocab_size"]
    inner = sizes.get("n_inner") or 4 * width
    count = groups * samples
    suffix = (new + 1) / 2  # the token itself is among the keys
    weights = layers * (4 * width * width + 2 * width * inner) + vocabulary * width
    token = layers * 2 * width * 2  # bytes of one token's keys and values
    moved = 2 * weights + groups * prompt * token + count * (suffix + 1) * token + count * vocabulary * 4 * 2
    flops = 2 * count * weights + 4 * count * layers * width * (prompt + suffix)
    return Work(bytes=moved, flops=flops)


def shares(work, seconds, ceiling):
    """Of each ceiling, what a step that took `seconds` reached."""
    return Shares(work.bytes / seconds / ceiling.bandwidth, work.flops / seconds / ceiling.rate)


def step_seconds(work, share, ceiling):
    """An estimate of the same work's time on another GPU. A step has parts that wait for memory and parts that wait for
    the matrix units; taken one after the other they are bytes / bandwidth + flops / rate, and the sum of the two shares
    is how close the measured step came to that (it may exceed 1 where they overlap). The same closeness is assumed
    there."""
    return (work.bytes / ceiling.bandwidth + work.flops / ceiling.rate) / (share.bandwidth + share.rate)


def _test():
    sizes = dict(n_layer=12, n_embd=768, n_head=12, vocab_size=50257)
    work = step_work(sizes, groups=1, samples=1, prompt=150, new=1)
    matrices = 12 * 12 * 768 * 768 + 50257 * 768
    assert work.bytes == 2 * matrices + (150 + 2) * 36864 + 50257 * 8, work
    assert work.flops == 2 * matrices + 4 * 12 * 768 * 151, work
    here = Ceiling(4e12, 800e12)
    # A GPU's own shares must give back the time that they were taken from.
    for seconds in (1e-4, 3e-3):
        assert abs(step_seconds(work, shares(work, seconds, here), here) / seconds - 1) < 1e-12
    # Half the bandwidth and half the rate: twice the time.
    half = Ceiling(2e12, 400e12)
    assert abs(step_seconds(work, shares(work, 1e-3, here), half) / 2e-3 - 1) < 1e-12
    print("roofline: 3 passed, 0 failed")


if __name__ == "__main__":
    _test()

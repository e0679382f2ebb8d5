"""What faultline is measured against on the same GPU: Hugging Face's `generate`, the tuned loop, and the GPU's own
ceilings.

All in one process, between runs of faultline's program; memory that is cached here is given back before those.
"""

import gc
import time

import torch

import tuned_loop


def release():
    """Gives cached memory back to the device, so that another process finds it."""
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()


def timed(function):
    """Seconds by the clock, from an idle device to an idle device, and what the function returned."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    result = function()
    torch.cuda.synchronize()
    return time.perf_counter() - started, result


def copy_bandwidth(gigabytes=2, repeats=10):
    """Bytes per second of a device-to-device copy, read and written bytes counted: the median of `repeats`."""
    source = torch.empty(gigabytes << 30, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    return 2 * source.numel() / _median(lambda: target.copy_(source), repeats)


def matrix_rate(size=8192, repeats=10):
    """Operations per second of a bf16 matrix product of random numbers: the median of `repeats`."""
    a = torch.randn((size, size), dtype=torch.bfloat16, device="cuda")
    b = torch.randn((size, size), dtype=torch.bfloat16, device="cuda")
    return 2 * size**3 / _median(lambda: torch.mm(a, b), repeats)


def _median(function, repeats):
    for _ in range(3):
        function()
    times = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        function()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return sorted(times)[len(times) // 2]


def random_prompts(vocabulary, groups, prompt, seed=3):
    generator = torch.Generator(device="cuda").manual_seed(seed)
    return torch.randint(vocabulary - 1, (groups, prompt), generator=generator, device="cuda")


class Generate:
    """`generate` of transformers as its users call it: bf16, PyTorch's fused attention, the dynamic cache, top-p
    sampling. All sequences at once when they fit, else in equal parts."""

    def __init__(self, model, groups, samples, prompt, new):
        self.model, self.new, self.prompt = model, new, prompt
        self.inputs = random_prompts(model.config.vocab_size, groups, prompt).repeat_interleave(samples, 0)
        self.parts = 1

    def run(self, new):
        """Seconds for all sequences with `new` tokens each."""
        while True:
            try:
                return timed(lambda: self._all(new))[0]
            except torch.cuda.OutOfMemoryError:
                if self.parts >= self.inputs.shape[0]:
                    raise
            self.parts *= 2
            release()

    def measure(self, limit):
        """(tokens/s, how). Runs `new` tokens if that takes no more than about `limit` seconds, else as many as do. A
        shorter run favours `generate`: its cache is shorter, and it is copied in every step."""
        self.run(2)
        short = self.run(8)
        long = self.run(24)
        per_step = max(long - short, 1e-6) / 16
        # The cache grows, and with it the step: twice what these first steps took is on the safe side.
        fits = int((limit - short) / (2 * per_step))
        if fits >= self.new:
            new, how = self.new, f"{self.new} tokens"
        else:
            new = max(24, min(self.new, fits))
            how = f"only {new} of {self.new} tokens each, to bound the time; its rate falls with length"
        seconds = self.run(new)
        if seconds < limit / 4:
            seconds = min(seconds, self.run(new))
        if self.parts > 1:
            how += f"; in {self.parts} parts, for memory"
        return self.inputs.shape[0] * new / seconds, how

    @torch.no_grad()
    def _all(self, new):
        for part in self.inputs.chunk(self.parts):
            out = self.model.generate(
                part,
                attention_mask=torch.ones_like(part),
                do_sample=True,
                temperature=0.8,
                top_p=0.95,
                top_k=0,
                max_new_tokens=new,
                min_new_tokens=None,
                pad_token_id=0,
            )
            if out.shape[1] != self.prompt + new:
                raise RuntimeError(f"generate stopped after {out.shape[1] - self.prompt} of {new} tokens")


def without_end(model):
    """Lets generate run to its last token: end of text is a token like any other."""
    model.config.eos_token_id = None
    model.generation_config.eos_token_id = None
    return model


class Tuned:
    """The tuned loop, recorded; `run` is what is timed: prompt, first draw and replays."""

    def __init__(self, model, groups, samples, prompt, new, samplers, say):
        self.prompts = random_prompts(model.config.vocab_size, groups, prompt)
        self.loop = tuned_loop.TunedLoop(model, groups, samples, prompt, new)
        self.loop.tune(samplers, say)
        self.loop.record()
        self.tokens = groups * samples * new
        self.loop.run(self.prompts)

    def run(self):
        """Seconds. Checks that the samples are not all alike."""
        seconds, history = timed(lambda: self.loop.run(self.prompts))
        if history.shape[0] > 1 and bool((history == history[0]).all()):
            raise RuntimeError("the tuned loop draws the same sample every time")
        return seconds

    def how(self):
        return f"attention by {self.loop.attention}, top-p by {self.loop.sampler}"

"""Stage bench: tokens per second of faultline on this GPU, beside PyTorch on the same GPU and beside the GPU's own
ceilings.

The model has GPT-2 124M's shape and random weights; prompts of 150 tokens, 256 new tokens per sample, temperature 0.8,
top-p 0.95, nothing stops early. The contestants alternate and the best run of each counts. Times contain everything
from the prompt's tokens to the last draw, but no loading. The peers record their graphs beforehand, we within the time.
"""

import json
import pathlib
import sys

import common
import roofline
from common import say

SHAPE = "124m"
PROMPT, NEW = 150, 256
# (groups, samples of each)
WORKLOADS = [(16, 100), (1, 100), (1, 1)]
MAIN = (16, 100)
# The experiment of the project's name: HumanEval's problems, 100 samples of each, 128 tokens on average.
EXPERIMENT = dict(groups=164, samples=100, prompt=PROMPT, new=128)
EXPERIMENT_TOKENS = 164 * 100 * 128

# The bars, for 16 groups of 100. The rate is the promise for an H200 and judged on no other device; ratios are judged
# on all.
RATE_BAR = 400_000
RATE_BAR_DEVICE = "H200"
GENERATE_BAR = 5.0
TUNED_BAR = 2.0
# Largest error of the tuned loop's logits, relative to the largest: both it and its reference are bf16.
LOOP_CHECK_LIMIT = 0.05
# A run ends so soon after it was cancelled: within one launch.
CANCEL_LIMIT = 0.05
# A card of 12 GB, less what a desktop takes.
SMALL_MEMORY_MIB = 8192


class Bench:
    def __init__(self, options):
        self.build = options.build
        self.limit = options.limit
        self.results = common.Results(options.state, "bench")
        self.folder = pathlib.Path(options.build) / "gpu-check" / "models" / f"bench-{SHAPE}"
        self.rates = {}  # (groups, samples) -> {contestant: tokens/s}
        self.cancel = {}  # workload -> seconds that a cancelled run went on

    def left(self):
        return self.limit - common.seconds()

    def run_ours(self, **options):
        """What faultline's program prints, in a process of its own, with the workload's sampling."""
        import peers

        peers.release()
        return common.run_bench(
            self.build, self.folder, dtype="bfloat16", device="cuda", temperature=0.8, top_p=0.95, **options
        )

    def ours(self, groups, samples, repeat):
        """Tokens/s of faultline, and how soon it ends when it is told to."""
        output = self.run_ours(groups=groups, samples=samples, prompt=PROMPT, new=NEW, repeat=repeat, cancel=1)
        if output["tokens"] != groups * samples * NEW:
            raise RuntimeError(f"{output['tokens']} tokens instead of {groups * samples * NEW}")
        self.results.detail(f"faultline {groups}x{samples}", output)
        self.cancel[groups, samples] = output["cancel_milliseconds"] / 1e3
        self.better((groups, samples), "faultline", output["tokens_per_second"])

    def better(self, workload, contestant, rate):
        rates = self.rates.setdefault(workload, {})
        rates[contestant] = max(rate, rates.get(contestant, 0.0))

    def attempt(self, what, function):
        """What fails is a row of its own; the rest still says something."""
        try:
            return function()
        except Exception as failure:
            self.results.row(what, f"{type(failure).__name__}: {str(failure)[:600]}", "runs to its end", False)
            return None

    def ceilings(self):
        import peers

        bandwidth, rate = peers.copy_bandwidth(), peers.matrix_rate()
        peers.release()
        self.ceiling = roofline.Ceiling(bandwidth, rate)
        self.results.row("copy within device memory, bytes read and written", f"{bandwidth / 1e9:,.0f} GB/s")
        self.results.row("bf16 matrix product, 8192 x 8192 x 8192", f"{rate / 1e12:,.0f} TFLOP/s")

    def workload(self, model, groups, samples):
        """All contestants, alternating. Rows as soon as there is something to say."""
        import peers

        key = (groups, samples)
        name = f"{groups} x {samples} sequences"
        repeat = 3 if key == MAIN else 2
        notes = {}
        self.attempt(f"{name}: faultline", lambda: self.ours(groups, samples, repeat))

        def tuned():
            # Compiling takes tens of seconds; it pays where the sampler is most of the step.
            samplers = ["topk", "halving"] + (["sort", "compiled halving"] if key == MAIN else [])
            contestant = peers.Tuned(model, groups, samples, PROMPT, NEW, samplers, say)
            for _ in range(3 if key != (1, 1) else 2):
                self.better(key, "tuned", contestant.tokens / contestant.run())
            notes["tuned"] = contestant.how()
            self.results.detail(
                f"tuned loop {groups}x{samples}",
                {
                    "milliseconds": {k: 1e3 * v for k, v in contestant.loop.timings.items()},
                    "nucleus larger than the candidates": contestant.loop.cut_off(contestant.prompts),
                },
            )

        self.attempt(f"{name}: tuned PyTorch loop", tuned)
        self.attempt(f"{name}: faultline, again", lambda: self.ours(groups, samples, repeat))

        def generate():
            peers.release()
            rate, how = peers.Generate(model, groups, samples, PROMPT, NEW).measure(
                min(25.0, max(5.0, self.left() / 4))
            )
            self.better(key, "generate", rate)
            notes["generate"] = how

        self.attempt(f"{name}: Hugging Face generate", generate)
        peers.release()
        self.report(key, name, notes)

    def report(self, key, name, notes):
        rates = self.rates.get(key, {})
        ours = rates.get("faultline")
        if ours is None:  # which has a row of its own; what the peers reach is still worth knowing
            for contestant, rate in rates.items():
                self.results.row(f"{name}: {contestant}", f"{rate:,.0f} tokens/s ({notes.get(contestant, '')})")
            return
        judged = key == MAIN
        on_device = RATE_BAR_DEVICE in self.device
        self.results.row(
            f"{name}: faultline, bf16",
            f"{ours:,.0f} tokens/s",
            (f"{RATE_BAR:,} tokens/s" + ("" if on_device else f" on an {RATE_BAR_DEVICE}: not judged here"))
            if judged
            else None,
            ours >= RATE_BAR if judged and on_device else None,
        )
        for contestant, label, bar in (
            ("generate", "Hugging Face generate", GENERATE_BAR),
            ("tuned", "tuned PyTorch loop", TUNED_BAR),
        ):
            if contestant not in rates:
                continue
            ratio = ours / rates[contestant]
            self.results.row(
                f"{name}: {label}",
                f"{rates[contestant]:,.0f} tokens/s ({notes.get(contestant, '')}); faultline is {ratio:.1f}x as fast",
                f"{bar:g}x" if judged else None,
                ratio >= bar if judged else None,
            )
        sizes = common.SHAPES[SHAPE]
        work = roofline.step_work(sizes, groups=key[0], samples=key[1], prompt=PROMPT, new=NEW)
        share = roofline.shares(work, key[0] * key[1] / ours, self.ceiling)
        self.results.row(
            f"{name}: share of the measured ceilings",
            f"{share.bandwidth:.0%} of bandwidth ({work.bytes / 1e6:,.0f} MB a step), "
            f"{share.rate:.0%} of the matrix rate ({work.flops / 1e9:,.0f} GFLOP a step)",
        )
        self.results.detail(f"roofline {key[0]}x{key[1]}", {"work": vars(work), "shares": vars(share), "rates": rates})

    def experiment(self):
        output = self.run_ours(repeat=1, cancel=1, **EXPERIMENT)
        self.results.detail("experiment", output)
        # Here samples wait for slots, so a launch may be longer, and prompts and first tokens come between launches.
        self.cancel["experiment"] = output["cancel_milliseconds"] / 1e3
        self.results.row(
            "the whole experiment, 164 x 100 samples of 128 tokens, generated",
            f"{output['seconds'][0]:.1f} s ({output['tokens_per_second']:,.0f} tokens/s)",
        )

    def small_memory(self):
        """The main workload within the budget of a small card."""
        groups, samples = MAIN
        output = self.run_ours(
            groups=groups, samples=samples, prompt=PROMPT, new=NEW, memory=SMALL_MEMORY_MIB, repeat=2, cancel=1
        )
        self.cancel["small memory"] = output["cancel_milliseconds"] / 1e3
        self.results.detail("small memory", output)
        # The budget is for keys, values and activations; the weights stand beside it: half of the float32 file's bytes,
        # and what padding adds.
        weights = 1.1 * (self.folder / "model.safetensors").stat().st_size / 2
        self.results.row(
            f"{groups} x {samples} sequences with a budget of {SMALL_MEMORY_MIB >> 10} GiB",
            f"{output['tokens_per_second']:,.0f} tokens/s, {output['peak_bytes'] / 2**30:.2f} GiB allocated, weights included",
            f"{SMALL_MEMORY_MIB >> 10} GiB and the weights",
            output["peak_bytes"] <= (SMALL_MEMORY_MIB << 20) + weights,
        )

    def cancelled(self):
        longest = max(self.cancel.values())
        self.results.row(
            "a cancelled run goes on for, at most",
            f"{longest * 1e3:.0f} ms",
            f"{CANCEL_LIMIT * 1e3:.0f} ms",
            longest <= CANCEL_LIMIT,
        )

    def rtx_3060(self):
        """The model of a card that is not here, from the shares measured on this one."""
        sizes = common.SHAPES[SHAPE]
        many = self.rates.get(MAIN, {}).get("faultline")
        few = self.rates.get((1, 100), {}).get("faultline")
        if many is None:
            return
        best = roofline.shares(
            roofline.step_work(sizes, groups=16, samples=100, prompt=PROMPT, new=NEW), 1600 / many, self.ceiling
        )
        worst = best
        if few is not None:
            work = roofline.step_work(sizes, groups=1, samples=100, prompt=PROMPT, new=NEW)
            worst = roofline.shares(work, 100 / few, self.ceiling)
        for sequences in (100, 400):
            work = roofline.step_work(sizes, groups=sequences // 100, samples=100, prompt=PROMPT, new=NEW)
            rates = sorted(sequences / roofline.step_seconds(work, share, roofline.RTX_3060) for share in (worst, best))
            minutes = [EXPERIMENT_TOKENS / rate / 60 for rate in reversed(rates)]
            self.results.row(
                f"RTX 3060, estimate, {sequences} sequences at once",
                f"{rates[0]:,.0f} to {rates[1]:,.0f} tokens/s; the whole experiment in "
                f"{minutes[0]:.0f} to {minutes[1]:.0f} minutes "
                "(estimate from this GPU's shares and the datasheet's 360 GB/s and 25 TFLOP/s; not measured)",
            )

    def kernels(self):
        rows, groups = MAIN[0] * MAIN[1], MAIN[0]
        arguments = [
            "--dtype",
            "bfloat16",
            "--rows",
            rows,
            "--groups",
            groups,
            "--prompt",
            PROMPT,
            "--suffix",
            NEW // 2,
        ]
        output = common.run_program(self.build, "faultline_device_kernels", arguments, limit=max(5.0, self.left()))
        table = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        self.results.detail("kernels", table)
        for kernel in sorted(table, key=lambda k: -k["microseconds"])[:12]:
            seconds = max(kernel["microseconds"], 1e-3) / 1e6
            self.results.row(
                f"kernel {kernel['op']} {kernel['shape']}",
                f"{kernel['microseconds']:,.1f} us: "
                f"{kernel['bytes'] / seconds / self.ceiling.bandwidth:.0%} of bandwidth, "
                f"{kernel['flops'] / seconds / self.ceiling.rate:.0%} of the matrix rate",
            )

    def run(self):
        import torch
        import transformers

        import peers
        import tuned_loop

        self.device = torch.cuda.get_device_name()
        say(f"PyTorch {torch.__version__}, transformers {transformers.__version__}, {self.device}")
        self.results.detail("versions", {"torch": torch.__version__, "transformers": transformers.__version__})
        self.ceilings()
        model = common.random_model(SHAPE, "cuda")
        common.save_model(model, self.folder)
        model = peers.without_end(model.to(torch.bfloat16))
        model.set_attn_implementation("sdpa")
        say("model written")

        def check():
            errors = tuned_loop.check_greedy(model)
            used = [error for error in errors.values() if isinstance(error, float)]
            passed = bool(used) and max(used) <= LOOP_CHECK_LIMIT
            text = ", ".join(f"{k}: {v:.2%}" if isinstance(v, float) else f"{k}: {v}" for k, v in errors.items())
            self.results.row("tuned loop: logits against Hugging Face's", text, f"{LOOP_CHECK_LIMIT:.0%}", passed)

        self.attempt("tuned loop: logits against Hugging Face's", check)
        for groups, samples in WORKLOADS:
            if self.left() < 20:
                self.results.row(f"{groups} x {samples} sequences", "no time left", "measured", False)
                continue
            self.workload(model, groups, samples)
        self.attempt("RTX 3060, estimate", self.rtx_3060)
        rate = self.rates.get(MAIN, {}).get("faultline")
        if rate is not None:
            self.results.row(
                "the whole experiment, 164 x 100 samples of 128 tokens, at the rate of 16 x 100",
                f"{EXPERIMENT_TOKENS / rate:.1f} s of generation",
            )
        for what, needed, measure in (
            ("the whole experiment", 15, self.experiment),
            ("a small memory budget", 10, self.small_memory),
            ("kernels", 15, self.kernels),
        ):
            if self.left() < needed:
                self.results.row(what, "no time left", "measured", False)
                continue
            self.attempt(what, measure)
        self.attempt("a cancelled run", self.cancelled)
        return self.results.finish()


def main():
    options = common.arguments(__doc__)
    options.add_argument("--limit", type=float, default=200.0, help="seconds that this stage has")
    # The last seconds are for the rows: a stage that is killed has none.
    chosen = options.parse_args()
    chosen.limit -= 5
    return Bench(chosen).run()


if __name__ == "__main__":
    sys.exit(main())

"""What the stages of check.sh share: random GPT-2 models, runs of faultline's device programs, results as they come.

Not a test framework and not a model: the reference is Hugging Face's implementation (parity.py), the work is done by
the programs that check.sh built. PyTorch is imported only by the functions that need it.
"""

import json
import math
import os
import pathlib
import subprocess
import time

_started = time.monotonic()


def say(text):
    """One line of progress, with the seconds since this stage's Python began."""
    print(f"  {time.monotonic() - _started:6.1f} s  {text}", flush=True)


def seconds():
    return time.monotonic() - _started


class Results:
    """A stage's result, written to `<state>/<stage>.json` after every row, so that a stage that is stopped leaves what
    it has.

    A row is what a reader sees in the table: what was measured, its value, the bar it is held to (None: none), and
    whether it passed (None: nothing to pass).
    """

    def __init__(self, state, stage):
        self.path = pathlib.Path(state) / f"{stage}.json"
        self.content = {"stage": stage, "complete": False, "rows": [], "details": {}}
        self._write()

    def row(self, what, value, bar=None, passed=None):
        self.content["rows"].append({"what": what, "value": value, "bar": bar, "passed": passed})
        verdict = {None: "", True: "  pass", False: "  FAIL"}[passed]
        say(f"{what}: {value}" + (f"  (bar: {bar})" if bar else "") + verdict)
        self._write()

    def detail(self, key, value):
        self.content["details"][key] = value
        self._write()

    def finish(self):
        """Exit code of the stage."""
        self.content["complete"] = True
        self._write()
        return 1 if any(row["passed"] is False for row in self.content["rows"]) else 0

    def _write(self):
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.content, indent=1, allow_nan=False, default=float) + "\n")
        os.replace(partial, self.path)


class ProgramFailed(Exception):
    pass


def run_program(build, name, arguments, limit):
    """Standard output of one of the device programs. Raises ProgramFailed with the end of what it said."""
    program = pathlib.Path(build) / "benchmarks" / "gpu" / name
    if not program.exists():
        raise ProgramFailed(f"{program} does not exist")
    try:
        done = subprocess.run(
            [str(program), *map(str, arguments)], capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise ProgramFailed(f"{name}: not finished in {limit} s") from expired
    if done.returncode != 0:
        raise ProgramFailed(
            f"{name} {' '.join(map(str, arguments))}: ended with {done.returncode}: {done.stderr[-1500:].strip()}"
        )
    return done.stdout


def run_bench(build, model, limit=60, **options):
    """faultline_device_bench's object. Options are its flags: top_p=0.9 is --top-p 0.9."""
    arguments = [str(model)]
    for key, value in options.items():
        arguments += ["--" + key.replace("_", "-"), str(value)]
    output = run_program(build, "faultline_device_bench", arguments, limit)
    return json.loads(output[output.index("{") :])


# Shapes by name. The odd ones have no extent that is a multiple of a tile, except where the line says why.
SHAPES = {
    "124m": dict(n_layer=12, n_embd=768, n_head=12, vocab_size=50257, n_positions=1024),
    "355m": dict(n_layer=24, n_embd=1024, n_head=16, vocab_size=50257, n_positions=1024),
    "odd-60": dict(n_layer=3, n_embd=60, n_head=5, vocab_size=301, n_positions=77, n_inner=100),
    # One head of 40; prompts longer than the 256 keys of one split.
    "odd-40": dict(n_layer=2, n_embd=40, n_head=1, vocab_size=97, n_positions=300),
    # The widest head there is.
    "head-128": dict(n_layer=2, n_embd=256, n_head=2, vocab_size=1000, n_positions=130),
}

# Standard deviation of the logits. A freshly initialised GPT-2 has about 0.5, almost uniform over the vocabulary: a
# sampler would keep 40,000 candidates, and errors would vanish in the softmax. 4 gives the few nats of entropy of a
# trained model.
LOGIT_SPREAD = 4.0
# Standard deviation of the embedding's entries; the final norm's gain makes up for it. A larger one, with an
# unembedding that is the same matrix, makes every token follow itself, and all samples alike.
EMBEDDING_SPREAD = 0.02
# Standard deviation of the attention scores: a pattern that prefers some keys strongly and ignores none.
SCORE_SPREAD = 1.5


def random_model(shape, device, seed=1):
    """GPT2LMHeadModel in float32 and evaluation mode on `device`, with random weights of the spreads above. Biases and
    norms are not left at 0 and 1, or a mix-up between them would go unseen."""
    import torch
    import transformers

    sizes = SHAPES[shape]
    width = sizes["n_embd"]
    inner = sizes.get("n_inner") or 4 * width
    end = sizes["vocab_size"] - 1
    config = transformers.GPT2Config(**sizes, bos_token_id=end, eos_token_id=end)
    with torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model = model.to(device=device, dtype=torch.float32).eval()

    spread = {
        "wte.weight": EMBEDDING_SPREAD,
        "wpe.weight": EMBEDDING_SPREAD / 2,
        "attn.c_attn.weight": math.sqrt(SCORE_SPREAD / width),
        "attn.c_proj.weight": 1 / math.sqrt(width),
        "mlp.c_fc.weight": 1 / math.sqrt(width),
        "mlp.c_proj.weight": 1 / math.sqrt(inner),
    }
    generator = torch.Generator(device=device).manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator, device=device)
            if name.endswith("ln_f.weight"):
                parameter.copy_(LOGIT_SPREAD / (EMBEDDING_SPREAD * math.sqrt(width)) * (1 + 0.1 * noise))
            elif name.endswith(("ln_1.weight", "ln_2.weight")):
                parameter.copy_(1 + 0.1 * noise)
            else:
                parameter.copy_(noise * next((s for end, s in spread.items() if name.endswith(end)), 0.05))
    return model


def save_model(model, folder):
    """Hugging Face's folder for the engine. Returns its path."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    return folder


def rounded_matrices(model):
    """A copy of the model in the same type, whose matrices are rounded to bfloat16: what the engine reads in its bf16
    mode. Biases, norms and positions stay as they are, as they do there."""
    import copy

    import torch

    rounded = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in rounded.named_parameters():
            if parameter.dim() == 2 and not name.endswith("wpe.weight"):
                parameter.copy_(parameter.to(torch.bfloat16).to(parameter.dtype))
    return rounded


def arguments(description):
    """The command line that every stage has; more options may be added."""
    import argparse

    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--state", required=True, help="folder for the result")
    return parser

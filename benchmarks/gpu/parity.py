"""Stage parity: is faultline on the GPU the same function as Hugging Face's GPT-2?

Random models are saved as Hugging Face folders; faultline_device_check reads them and writes what its hook points
carry, in float32 and in bf16. The reference is Hugging Face's own implementation in float64 on the same weights, read
off by forward hooks. Its float32 and bf16 runs are yardsticks: what the same precision costs in PyTorch.
"""

import concurrent.futures
import copy
import json
import pathlib
import re
import sys

import common
from common import say

# float32: largest difference relative to the largest value of the same tensor. The engine sums a chain of up to 4,096
# products per output; its rounding errors grow with the root of that, 64 * 2^-24 = 4e-6 at worst where nothing cancels.
FLOAT32_LIMIT = 1e-5
# bf16: a rounding is off by up to 2^-9 = 0.2 % of a value. About six a layer (norm, query/key/value, head outputs,
# norm, MLP) over 12 to 24 layers add up like noise to 1 to 1.5 % of the logits' spread, and weights are rounded once
# more; the largest of millions of such errors is about as many spreads away as the largest logit is, so the same
# percentage holds for both. PyTorch's bf16, which also keeps the residual stream in bf16, is 1.2 % (124M) and 1.4 %
# (355M) off on these models, and their mean divergence 1.5e-3 and 1.9e-3; the limits are about twice that.
BF16_LOGIT_LIMIT = 0.03
# To second order half the squared error of the logits: 0.1^2 / 2, an error of 2.5 % of a spread of 4.
BF16_DIVERGENCE_LIMIT = 5e-3
# Single tensors inside the model: the same noise, but some are small differences of larger numbers. PyTorch's: 2.2 %.
BF16_HOOK_LIMIT = 0.05
# Root mean square error against that of Hugging Face's bf16 run, for the shapes with enough logits to make that a
# steady number. The largest error of each is a single draw from the tail, so it is shown but not compared.
BF16_YARDSTICK_LIMIT = 1.2
YARDSTICK_SHAPES = ("124m", "355m")

# Prompt lengths: one token, both sides of the tiles of 16 and 64 rows, the whole context, more than one split of 256
# keys.
LENGTHS = {
    "124m": (1, 37, 200),
    "355m": (5, 130),
    "odd-60": (1, 2, 15, 17, 63, 65, 77),
    "odd-40": (1, 17, 64, 257, 300),
    "head-128": (1, 33, 130),
}
# Whole contexts, logits alone: their patterns would be gigabytes.
LONG_LENGTHS = {"124m": (1024,)}


def reference_activations(model, tokens):
    """Every hook point of one prompt, by name, in the model's own type, shaped as faultline shapes them. `model` must
    run the eager attention: others never form the pattern."""
    import torch

    seen = {}

    def keep(name):
        def hook(_module, inputs, output):
            seen[name] = (inputs[0], output[0] if isinstance(output, tuple) else output)

        return hook

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in model.named_modules()
        if name and inputs_matter(name)
    ]
    try:
        with torch.no_grad():
            logits = model(torch.tensor([tokens], device=model.device), use_cache=False).logits[0]
    finally:
        for handle in handles:
            handle.remove()

    config = model.config
    heads, epsilon = config.n_head, config.layer_norm_epsilon
    count = len(tokens)

    def given(name):
        return seen[name][0][0]

    def returned(name):
        return seen[name][1].reshape(count, -1)

    out = {}

    def norm(hook, name):
        x = given(name)
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + epsilon).sqrt()
        out[f"{hook}.hook_scale"] = scale
        out[f"{hook}.hook_normalized"] = centred / scale

    out["hook_embed"] = returned("transformer.wte")
    out["hook_pos_embed"] = returned("transformer.wpe")
    for i in range(config.n_layer):
        block, hook = f"transformer.h.{i}", f"blocks.{i}"
        following = f"transformer.h.{i + 1}.ln_1" if i + 1 < config.n_layer else "transformer.ln_f"
        out[f"{hook}.hook_resid_pre"] = given(f"{block}.ln_1")
        norm(f"{hook}.ln1", f"{block}.ln_1")
        query, key, value = returned(f"{block}.attn.c_attn").view(count, 3, heads, -1).unbind(1)
        out[f"{hook}.attn.hook_q"], out[f"{hook}.attn.hook_k"], out[f"{hook}.attn.hook_v"] = query, key, value
        pattern = seen.get(f"{block}.attn.attn_dropout")
        if pattern is not None:
            out[f"{hook}.attn.hook_pattern"] = pattern[0][0]
        else:  # a version of transformers that calls the dropout as a function
            scores = torch.einsum("qhd,khd->hqk", query, key) / query.shape[-1] ** 0.5
            future = torch.ones(count, count, dtype=torch.bool, device=scores.device).triu(1)
            out[f"{hook}.attn.hook_pattern"] = scores.masked_fill(future, float("-inf")).softmax(-1)
        out[f"{hook}.attn.hook_z"] = given(f"{block}.attn.c_proj").reshape(count, heads, -1)
        out[f"{hook}.hook_attn_out"] = returned(f"{block}.attn.c_proj")
        out[f"{hook}.hook_resid_mid"] = given(f"{block}.ln_2")
        norm(f"{hook}.ln2", f"{block}.ln_2")
        out[f"{hook}.mlp.hook_pre"] = returned(f"{block}.mlp.c_fc")
        out[f"{hook}.mlp.hook_post"] = given(f"{block}.mlp.c_proj")
        out[f"{hook}.hook_mlp_out"] = returned(f"{block}.mlp.c_proj")
        out[f"{hook}.hook_resid_post"] = given(following)
    norm("ln_final", "transformer.ln_f")
    out["logits"] = logits
    return out


def inputs_matter(name):
    """Modules whose inputs or outputs are hook points."""
    return re.fullmatch(
        r"transformer\.(wte|wpe|ln_f|h\.\d+\.(ln_[12]|attn\.(c_attn|c_proj|attn_dropout)|mlp\.(c_fc|c_proj)))", name
    )


def relative_error(got, want):
    """Largest difference over the largest value of `want`, both as float64. None when shapes differ or `got` is not
    finite."""
    got, want = got.double(), want.double()
    if got.shape != want.shape or not bool(got.isfinite().all()):
        return None
    largest = want.abs().max().item()
    difference = (got - want).abs().max().item()
    return difference / largest if largest > 0 else difference


class Errors:
    """Errors of one run against a reference, over all prompts of a model."""

    def __init__(self):
        self.hooks = {}  # name without the layer's number -> [largest relative error, where]
        self.wrong = []  # missing, misshapen or not finite
        self.logits = 0.0
        self.squares = self.reference_squares = 0.0
        self.divergence = 0.0
        self.positions = 0

    def take(self, prompt, got, want):
        """Arrays by hook name; those of `want` that `got` lacks are wrong."""
        for name, reference in want.items():
            array = got.get(name)
            error = None if array is None else relative_error(array, reference)
            if error is None:
                shape = "missing" if array is None else f"shape {tuple(array.shape)}"
                self.wrong.append(f"{prompt}/{name}: {shape} or not finite, expected {tuple(reference.shape)}")
                continue
            if name == "logits":
                self.logits = max(self.logits, error)
                self._distribution(array.double(), reference.double())
                continue
            kind = re.sub(r"^blocks\.\d+\.", "", name)
            if error > self.hooks.get(kind, [-1, ""])[0]:
                self.hooks[kind] = [error, f"{prompt}/{name}"]

    def _distribution(self, got, want):
        self.squares += (got - want).square().sum().item()
        self.reference_squares += want.square().sum().item()
        expected = want.log_softmax(-1)
        self.divergence += (expected.exp() * (expected - got.log_softmax(-1))).sum().item()
        self.positions += want.shape[0]

    def root_mean_square(self):
        return (self.squares / self.reference_squares) ** 0.5 if self.reference_squares else 0.0

    def summary(self):
        worst = max(self.hooks.items(), key=lambda item: item[1][0], default=(None, [0.0, ""]))
        return {
            "largest_logit_error": self.logits,
            "rms_logit_error": self.root_mean_square(),
            "mean_divergence": self.divergence / max(self.positions, 1),
            "largest_hook_error": worst[1][0],
            "largest_hook_error_at": worst[1][1],
            "hooks": {name: value[0] for name, value in sorted(self.hooks.items())},
            "wrong": self.wrong[:20],
        }


def run_check(build, folder, tokens, hooks, dtype, name):
    """faultline's arrays: {prompt: {hook: tensor on the CPU}}."""
    from safetensors.torch import load_file

    tokens_file, out_file = folder / f"tokens-{name}.json", folder / f"activations-{name}-{dtype}.safetensors"
    tokens_file.write_text(json.dumps(tokens))
    out_file.unlink(missing_ok=True)
    common.run_program(
        build,
        "faultline_device_check",
        [folder, "--tokens", tokens_file, "--out", out_file, "--device", "cuda", "--dtype", dtype, "--hooks", hooks],
        limit=60,
    )
    arrays = {}
    for key, array in load_file(out_file).items():
        prompt, hook = key.split("/", 1)
        arrays.setdefault(prompt, {})[hook] = array
    out_file.unlink()
    return arrays


def check_model(results, shape, build, folder, device):
    import torch

    model = common.random_model(shape, device)
    common.save_model(model, folder)
    vocabulary = model.config.vocab_size
    generator = torch.Generator().manual_seed(7)

    def prompts(lengths):
        return {f"n{n}": torch.randint(vocabulary, (n,), generator=generator).tolist() for n in lengths}

    sets = [("all", prompts(LENGTHS[shape]))]
    if shape in LONG_LENGTHS:
        sets.append(("logits", prompts(LONG_LENGTHS[shape])))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = {
            (hooks, dtype): pool.submit(run_check, build, folder, tokens, hooks, dtype, hooks)
            for hooks, tokens in sets
            for dtype in ("float32", "bfloat16")
        }
        double = copy.deepcopy(model).double()
        rounded = common.rounded_matrices(model).double()
        half = copy.deepcopy(model).to(torch.bfloat16)
        errors = {key: Errors() for key in ("float32", "hf_float32", "bfloat16", "hf_bfloat16", "bfloat16_arithmetic")}
        for hooks, tokens in sets:
            ours = {}
            for dtype in ("float32", "bfloat16"):
                try:
                    ours[dtype] = running[hooks, dtype].result()
                except common.ProgramFailed as failure:
                    errors[dtype].wrong.append(str(failure))
            for prompt, ids in tokens.items():
                references = {
                    "want": reference_activations(double, ids),
                    "rounded": reference_activations(rounded, ids),
                    "hf_float32": reference_activations(model, ids),
                    "hf_bfloat16": reference_activations(half, ids),
                }
                if hooks == "logits":
                    references = {key: {"logits": value["logits"]} for key, value in references.items()}
                errors["hf_float32"].take(prompt, references["hf_float32"], references["want"])
                errors["hf_bfloat16"].take(prompt, references["hf_bfloat16"], references["want"])
                for dtype in ours:
                    arrays = {name: array.to(device) for name, array in ours[dtype].get(prompt, {}).items()}
                    errors[dtype].take(prompt, arrays, references["want"])
                    if dtype == "bfloat16":
                        errors["bfloat16_arithmetic"].take(prompt, arrays, references["rounded"])
    summaries = {key: value.summary() for key, value in errors.items()}
    results.detail(shape, summaries)
    for dtype in ("float32", "bfloat16"):
        for line in summaries[dtype]["wrong"][:5]:
            say(f"{shape}, {dtype}: {line}")
    report(results, shape, summaries)


def report(results, shape, summaries):
    """The rows of one model. A run with anything wrong in it passes nothing."""
    ours, peer = summaries["float32"], summaries["hf_float32"]
    sound = not ours["wrong"]
    results.row(
        f"{shape}: float32 logits, largest error of the largest logit",
        f"{ours['largest_logit_error']:.1e} (PyTorch float32: {peer['largest_logit_error']:.1e})"
        if sound
        else "wrong output",
        f"{FLOAT32_LIMIT:.0e}",
        sound and ours["largest_logit_error"] <= FLOAT32_LIMIT,
    )
    results.row(
        f"{shape}: float32 hooks, largest error of a tensor's largest value",
        f"{ours['largest_hook_error']:.1e} at {ours['largest_hook_error_at']} "
        f"(PyTorch float32: {peer['largest_hook_error']:.1e})",
        f"{FLOAT32_LIMIT:.0e}",
        sound and ours["largest_hook_error"] <= FLOAT32_LIMIT,
    )

    ours, peer, arithmetic = summaries["bfloat16"], summaries["hf_bfloat16"], summaries["bfloat16_arithmetic"]
    sound = not ours["wrong"]
    results.row(
        f"{shape}: bf16 logits, largest error of the largest logit",
        f"{ours['largest_logit_error']:.2%} (PyTorch bf16: {peer['largest_logit_error']:.2%}; "
        f"without the weights' rounding: {arithmetic['largest_logit_error']:.2%})"
        if sound
        else "wrong output",
        f"{BF16_LOGIT_LIMIT:.0%}",
        sound and ours["largest_logit_error"] <= BF16_LOGIT_LIMIT,
    )
    results.row(
        f"{shape}: bf16 mean divergence of the next token's distribution",
        f"{ours['mean_divergence']:.1e} nats (PyTorch bf16: {peer['mean_divergence']:.1e})",
        f"{BF16_DIVERGENCE_LIMIT:.0e}",
        sound and ours["mean_divergence"] <= BF16_DIVERGENCE_LIMIT,
    )
    results.row(
        f"{shape}: bf16 hooks, largest error of a tensor's largest value",
        f"{ours['largest_hook_error']:.2%} at {ours['largest_hook_error_at']} "
        f"(PyTorch bf16: {peer['largest_hook_error']:.2%})",
        f"{BF16_HOOK_LIMIT:.0%}",
        sound and ours["largest_hook_error"] <= BF16_HOOK_LIMIT,
    )
    compared = shape in YARDSTICK_SHAPES and peer["rms_logit_error"] > 0
    ratio = ours["rms_logit_error"] / peer["rms_logit_error"] if peer["rms_logit_error"] > 0 else 0.0
    results.row(
        f"{shape}: bf16 logits, RMS error over that of PyTorch's bf16",
        f"{ratio:.2f} ({ours['rms_logit_error']:.2%} to {peer['rms_logit_error']:.2%})",
        f"{BF16_YARDSTICK_LIMIT}" if compared else None,
        sound and ratio <= BF16_YARDSTICK_LIMIT if compared else None,
    )


def main():
    options = common.arguments(__doc__)
    options.add_argument("--shapes", default=",".join(LENGTHS), help="which of the models")
    chosen = options.parse_args()

    import shutil

    import torch
    import transformers

    torch.set_float32_matmul_precision("highest")
    device = "cuda"
    torch.cuda.init()
    say(f"PyTorch {torch.__version__}, transformers {transformers.__version__}, {torch.cuda.get_device_name()}")
    results = common.Results(chosen.state, "parity")
    # Small models first: they fail fastest.
    for shape in sorted(
        chosen.shapes.split(","), key=lambda s: common.SHAPES[s]["n_embd"] * common.SHAPES[s]["n_layer"]
    ):
        folder = pathlib.Path(chosen.build) / "gpu-check" / "models" / f"parity-{shape}"
        try:
            check_model(results, shape, chosen.build, folder, device)
        except Exception as failure:  # the other models still say something
            results.row(f"{shape}: comparison", f"{type(failure).__name__}: {failure}", "runs to its end", False)
        shutil.rmtree(folder, ignore_errors=True)
        torch.cuda.empty_cache()
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())

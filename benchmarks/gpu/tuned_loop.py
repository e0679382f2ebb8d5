"""The hand-tuned peer: GPT-2 sampling in PyTorch as fast as it goes without kernels of one's own.

What it does that `generate` does not: the prompt's keys and values are computed once per group and shared by its
samples; the samples' own keys and values stand in a static cache; the whole step, sampling included, is one CUDA graph;
graphs exist per bucket of 64 cached tokens, so that attention does not read the part of the cache that is still empty;
the vocabulary is padded to a multiple of 64, because matrix products of odd widths are slow; queries of a group attend
to its prompt in one matrix product. Where there is more than one way (attention to the cache, top-p), TunedLoop.tune
times them and takes the fastest.

Simpler than faultline where that favours the loop: all samples are in step, none can stop early, there are no masks and
no log-probabilities, and results are not independent of the batch. GPT-2 in Hugging Face's sense only (gelu_new, tied
embedding).
"""

import math
import statistics

import torch
import torch.nn.functional as F

BUCKET = 64
# Candidates of the top-k way to top-p. Rows whose nucleus is larger are cut off there (TunedLoop.cut_off counts them).
CANDIDATES = 1024
# Halvings of the interval of log-probabilities that the top-p threshold is searched in: 30 * 2^-20 = 3e-5.
HALVINGS = 20
SPAN = 30.0


class Weights:
    """The model's matrices in bf16, the embedding padded to a multiple of 64 rows."""

    def __init__(self, model):
        def half(parameter):
            return parameter.detach().to(torch.bfloat16).contiguous()

        config, body = model.config, model.transformer
        self.layers, self.heads, self.width = config.n_layer, config.n_head, config.n_embd
        self.dim = self.width // self.heads
        self.vocabulary = config.vocab_size
        self.epsilon = config.layer_norm_epsilon
        padded = -(-self.vocabulary // 64) * 64
        self.wte = F.pad(half(body.wte.weight), (0, 0, 0, padded - self.vocabulary))
        self.wpe = half(body.wpe.weight)
        self.ln_f = (half(body.ln_f.weight), half(body.ln_f.bias))
        self.blocks = [
            {
                "ln_1": (half(h.ln_1.weight), half(h.ln_1.bias)),
                "qkv": (half(h.attn.c_attn.weight), half(h.attn.c_attn.bias)),
                "proj": (half(h.attn.c_proj.weight), half(h.attn.c_proj.bias)),
                "ln_2": (half(h.ln_2.weight), half(h.ln_2.bias)),
                "fc": (half(h.mlp.c_fc.weight), half(h.mlp.c_fc.bias)),
                "out": (half(h.mlp.c_proj.weight), half(h.mlp.c_proj.bias)),
            }
            for h in body.h
        ]

    def norm(self, x, parameters):
        return F.layer_norm(x, (self.width,), *parameters, self.epsilon)

    @staticmethod
    def linear(x, parameters):
        return torch.addmm(parameters[1], x, parameters[0])

    def mlp(self, x, block):
        return self.linear(F.gelu(self.linear(x, block["fc"]), approximate="tanh"), block["out"])

    def logits(self, x):
        return torch.mm(self.norm(x, self.ln_f), self.wte.t())[:, : self.vocabulary]


# --- top-p sampling at a temperature, of logits [n, vocabulary], by the exponential form of the Gumbel trick ---


def sample_by_sort(logits, temperature, top_p):
    probabilities, order = torch.softmax(logits.float() / temperature, -1).sort(-1, descending=True)
    kept = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    choice = (kept / torch.empty_like(kept).exponential_()).argmax(-1, keepdim=True)
    return order.gather(-1, choice).squeeze(-1)


def sample_by_top_k(logits, temperature, top_p):
    count = min(CANDIDATES, logits.shape[-1])
    largest, order = torch.topk(logits, count, -1)
    total = torch.logsumexp(logits.float() / temperature, -1, keepdim=True)
    probabilities = torch.exp(largest.float() / temperature - total)
    kept = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    choice = (kept / torch.empty_like(kept).exponential_()).argmax(-1, keepdim=True)
    return order.gather(-1, choice).squeeze(-1)


def nucleus_choice(logits, noise, temperature, top_p):
    """Finds the top-p threshold by halving, which needs passes over the row but no sort, then draws."""
    scaled = logits.float() / temperature
    scaled = scaled - scaled.amax(-1, keepdim=True)
    weights = torch.exp(scaled)
    wanted = top_p * weights.sum(-1, keepdim=True)
    low = torch.full_like(wanted, -SPAN)
    high = torch.zeros_like(wanted)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = torch.where(scaled >= middle, weights, 0.0).sum(-1, keepdim=True) >= wanted
        low = torch.where(enough, middle, low)
        high = torch.where(enough, high, middle)
    return torch.where(scaled >= low, weights / noise, 0.0).argmax(-1)


def sample_by_halving(logits, temperature, top_p):
    noise = torch.empty(logits.shape, dtype=torch.float32, device=logits.device).exponential_()
    return nucleus_choice(logits, noise, temperature, top_p)


_compiled_choice = None


def sample_by_compiled_halving(logits, temperature, top_p):
    global _compiled_choice
    if _compiled_choice is None:
        _compiled_choice = torch.compile(nucleus_choice, dynamic=False)
    noise = torch.empty(logits.shape, dtype=torch.float32, device=logits.device).exponential_()
    return _compiled_choice(logits, noise, temperature, top_p)


SAMPLERS = {
    "sort": sample_by_sort,
    "topk": sample_by_top_k,
    "halving": sample_by_halving,
    "compiled halving": sample_by_compiled_halving,
}


class TunedLoop:
    """Samples of one workload: `groups` prompts of `prompt` tokens, `samples` of each, `new` tokens per sample."""

    def __init__(self, model, groups, samples, prompt, new, temperature=0.8, top_p=0.95):
        self.w = Weights(model)
        self.groups, self.samples, self.prompt, self.new = groups, samples, prompt, new
        self.count = groups * samples
        self.temperature, self.top_p = temperature, top_p
        self.attention, self.sampler = "matmul", "topk"
        self.timings = {}
        device = model.device
        w = self.w
        self.capacity = -(-new // BUCKET) * BUCKET
        cache = (w.layers, self.count, w.heads, self.capacity, w.dim)
        self.keys = torch.zeros(cache, dtype=torch.bfloat16, device=device)
        self.values = torch.zeros(cache, dtype=torch.bfloat16, device=device)
        # Padded, so that matrix products find every row aligned to 16 bytes; the bias hides what was added.
        self.padded_prompt = -(-prompt // 8) * 8
        prefix = (w.layers, groups, w.heads, self.padded_prompt, w.dim)
        self.prefix_keys = torch.zeros(prefix, dtype=torch.bfloat16, device=device)
        self.prefix_values = torch.zeros(prefix, dtype=torch.bfloat16, device=device)
        self.tokens = torch.zeros(self.count, dtype=torch.long, device=device)
        self.at = torch.zeros(1, dtype=torch.long, device=device)  # tokens in the cache
        self.history = torch.zeros((self.count, new), dtype=torch.long, device=device)
        self.slots = torch.arange(self.capacity, device=device)
        self.prefix_bias = torch.zeros(self.padded_prompt, dtype=torch.bfloat16, device=device)
        self.prefix_bias[prompt:] = float("-inf")
        self.graphs = {}

    # --- the model ---

    @torch.no_grad()
    def prefill(self, prompts):
        """Keys and values of the prompts [groups, prompt]; logits after each [groups, vocabulary]."""
        w = self.w
        x = (w.wte[prompts] + w.wpe[: self.prompt]).view(-1, w.width)
        for i, block in enumerate(w.blocks):
            qkv = w.linear(w.norm(x, block["ln_1"]), block["qkv"])
            q, k, v = qkv.view(self.groups, self.prompt, 3, w.heads, w.dim).permute(2, 0, 3, 1, 4)
            self.prefix_keys[i][:, :, : self.prompt].copy_(k)
            self.prefix_values[i][:, :, : self.prompt].copy_(v)
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + w.linear(z.transpose(1, 2).reshape(-1, w.width), block["proj"])
            x = x + w.mlp(w.norm(x, block["ln_2"]), block)
        return w.logits(x.view(self.groups, self.prompt, w.width)[:, -1])

    def attend_by_matmul(self, i, q, bias, length):
        """Scores of cache and prompt side by side, one softmax over both. q [count, heads, dim]."""
        w = self.w
        scale = 1 / math.sqrt(w.dim)
        grouped = q.view(self.groups, self.samples, w.heads, w.dim).transpose(1, 2)
        prefix_keys = self.prefix_keys[i].view(-1, self.padded_prompt, w.dim)
        prefix_values = self.prefix_values[i].view(-1, self.padded_prompt, w.dim)
        keys = self.keys[i].view(-1, self.capacity, w.dim)[:, :length]
        values = self.values[i].view(-1, self.capacity, w.dim)[:, :length]

        to_cache = torch.baddbmm(bias, q.reshape(-1, 1, w.dim), keys.transpose(1, 2), alpha=scale)
        to_prefix = torch.baddbmm(
            self.prefix_bias, grouped.reshape(-1, self.samples, w.dim), prefix_keys.transpose(1, 2), alpha=scale
        ).view(self.groups, w.heads, self.samples, self.padded_prompt)
        scores = torch.cat((to_cache, to_prefix.transpose(1, 2).reshape(-1, 1, self.padded_prompt)), -1)
        weights = torch.softmax(scores, -1)
        prefix_weights = weights[..., length:].reshape(self.groups, self.samples, w.heads, self.padded_prompt)
        from_prefix = torch.bmm(
            prefix_weights.transpose(1, 2).reshape(-1, self.samples, self.padded_prompt), prefix_values
        ).view(self.groups, w.heads, self.samples, w.dim)
        from_prefix = from_prefix.transpose(1, 2).reshape(-1, 1, w.dim)
        return torch.baddbmm(from_prefix, weights[..., :length], values).view(self.count, w.width)

    def attend_by_fused(self, i, q, bias, length):
        """PyTorch's fused attention for each part, merged by the log-sum-exp that it returns."""
        w = self.w
        grouped = q.view(self.groups, self.samples, w.heads, w.dim).transpose(1, 2)
        from_prefix, prefix_sum = torch.ops.aten._scaled_dot_product_flash_attention(
            grouped, self.prefix_keys[i][:, :, : self.prompt], self.prefix_values[i][:, :, : self.prompt], 0.0, False
        )[:2]
        from_cache, cache_sum = torch.ops.aten._scaled_dot_product_efficient_attention(
            q.unsqueeze(2),
            self.keys[i][:, :, :length],
            self.values[i][:, :, :length],
            bias.view(1, 1, 1, length).expand(self.count, w.heads, 1, length),
            True,
        )[:2]
        from_prefix = from_prefix.transpose(1, 2).reshape(self.count, w.heads, w.dim)
        prefix_sum = prefix_sum.transpose(1, 2).reshape(self.count, w.heads, 1)
        share = torch.sigmoid(prefix_sum.float() - cache_sum[..., :1].reshape(self.count, w.heads, 1).float())
        merged = torch.lerp(from_cache.reshape(self.count, w.heads, w.dim).float(), from_prefix.float(), share)
        return merged.to(torch.bfloat16).view(self.count, w.width)

    def step(self, length):
        """Logits [count, vocabulary] after self.tokens, which go to place self.at of the cache, of which the first
        `length` places are read. self.at is below `length`."""
        w = self.w
        position = self.prompt + self.at
        x = F.embedding(self.tokens, w.wte) + F.embedding(position, w.wpe)
        bias = torch.where(self.slots[:length] <= self.at, 0.0, float("-inf")).to(torch.bfloat16)
        attend = self.attend_by_matmul if self.attention == "matmul" else self.attend_by_fused
        for i, block in enumerate(w.blocks):
            qkv = w.linear(w.norm(x, block["ln_1"]), block["qkv"])
            q, k, v = qkv.view(self.count, 3, w.heads, w.dim).unbind(1)
            self.keys[i].index_copy_(2, self.at, k.unsqueeze(2))
            self.values[i].index_copy_(2, self.at, v.unsqueeze(2))
            x = x + w.linear(attend(i, q, bias, length), block["proj"])
            x = x + w.mlp(w.norm(x, block["ln_2"]), block)
        return w.logits(x)

    def full_step(self, length):
        """One step with its draw, as it is recorded: the drawn token becomes the next input."""
        drawn = SAMPLERS[self.sampler](self.step(length), self.temperature, self.top_p)
        self.tokens.copy_(drawn)
        self.at.add_(1)
        self.history.index_copy_(1, self.at, drawn.unsqueeze(1))

    # --- choosing and recording ---

    @torch.no_grad()
    def tune(self, samplers, say=lambda text: None):
        """Times the ways of attention and of sampling at this size and keeps the fastest; a way that does not run is
        left out. `samplers`: which of SAMPLERS to try."""
        length = min(2 * BUCKET, self.capacity)
        self.at.fill_(length // 2)
        self.keys.normal_()
        self.values.normal_()
        self.prefix_keys.normal_()
        self.prefix_values.normal_()
        reference = None
        for attention in ("matmul", "fused"):
            self.attention = attention
            try:
                logits = self.step(length).float()
                if reference is None:
                    reference = logits
                elif (logits - reference).abs().max() > 0.05 * reference.abs().max():
                    raise RuntimeError("disagrees with the other way")
                self.timings[f"attention: {attention}"] = self._graph_time(lambda: self.step(length))
            except Exception as failure:  # an operator that this PyTorch or this GPU lacks
                say(f"tuned loop: attention by {attention} left out: {str(failure)[:200]}")
        logits = reference.to(torch.bfloat16)
        padded = torch.zeros((self.count, self.w.wte.shape[0]), dtype=torch.bfloat16, device=logits.device)
        padded[:, : self.w.vocabulary].copy_(logits)
        logits = padded[:, : self.w.vocabulary]  # the stride that the matrix product gives them
        for name in samplers:
            try:
                self.timings[f"sampler: {name}"] = self._graph_time(
                    lambda name=name: SAMPLERS[name](logits, self.temperature, self.top_p)
                )
            except Exception as failure:
                say(f"tuned loop: sampling by {name} left out: {str(failure)[:200]}")

        def fastest(kind):
            return min((t, name) for name, t in self.timings.items() if name.startswith(kind))[1].split(": ")[1]

        self.attention, self.sampler = fastest("attention"), fastest("sampler")

    def _record(self, function):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                function()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            function()
        return graph

    def _graph_time(self, function, repeats=5):
        """Median seconds of a replay."""
        graph = self._record(function)
        times = []
        for _ in range(repeats):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) / 1e3)
        return statistics.median(times)

    @torch.no_grad()
    def record(self):
        """One graph per bucket. Afterwards run() only replays."""
        self.graphs = {}
        for length in range(BUCKET, self.capacity + 1, BUCKET):
            self.at.fill_(0)  # in range of the history for the warm-up's steps too
            self.graphs[length] = self._record(lambda length=length: self.full_step(length))

    @torch.no_grad()
    def run(self, prompts):
        """Tokens [count, new] on the GPU; not synchronised. The first is drawn from the prompt's logits."""
        first = self.prefill(prompts).repeat_interleave(self.samples, 0)
        self.tokens.copy_(SAMPLERS[self.first_sampler()](first, self.temperature, self.top_p))
        self.history[:, 0].copy_(self.tokens)
        self.at.zero_()
        for done in range(self.new - 1):
            self.graphs[(done // BUCKET + 1) * BUCKET].replay()
        return self.history

    def first_sampler(self):
        """The first draw is not recorded and its logits have another stride: compiling for it costs more than it
        saves."""
        return "halving" if self.sampler == "compiled halving" else self.sampler

    @torch.no_grad()
    def cut_off(self, prompts):
        """Share of first draws whose nucleus is larger than CANDIDATES, which the top-k way cuts off."""
        logits = self.prefill(prompts).float() / self.temperature
        mass = torch.softmax(logits, -1).topk(min(CANDIDATES, logits.shape[-1]), -1).values.sum(-1)
        return (mass < self.top_p).float().mean().item()


@torch.no_grad()
def check_greedy(model, new=6, prompt=20):
    """Largest error of the loop's logits, relative to the largest logit, while it continues greedily; the reference is
    Hugging Face's own forward pass, in the model's own type, over the whole sequence. Checked for both ways of
    attention that run."""
    groups, samples = 2, 3
    generator = torch.Generator(device=model.device).manual_seed(5)
    prompts = torch.randint(model.config.vocab_size, (groups, prompt), generator=generator, device=model.device)
    worst = {}
    for attention in ("matmul", "fused"):
        loop = TunedLoop(model, groups, samples, prompt, new)
        loop.attention = attention
        sequences = prompts.repeat_interleave(samples, 0)
        logits = loop.prefill(prompts).repeat_interleave(samples, 0)
        error = 0.0
        try:
            for done in range(new):
                want = model(sequences, use_cache=False).logits[:, -1].float()
                error = max(error, ((logits.float() - want).abs().max() / want.abs().max()).item())
                loop.tokens.copy_(logits.argmax(-1))
                # Samples of a group would stay alike: let each continue with a token of its own.
                loop.tokens.add_(torch.arange(groups * samples, device=model.device)).remainder_(
                    model.config.vocab_size
                )
                sequences = torch.cat((sequences, loop.tokens.unsqueeze(1)), 1)
                loop.at.fill_(done)
                logits = loop.step(BUCKET)
            worst[attention] = error
        except RuntimeError as failure:
            worst[attention] = str(failure)[:200]
    return worst

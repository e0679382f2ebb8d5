/**
 * The library in twenty lines: ten samples of one prompt as they finish, and what a layer carried while reading it.
 * Run from the project's root after `npm ci`: node docs/examples/library.mjs
 */
import { Model } from 'faultline';

const model = await Model.load('pico-gpt2-py', { dtype: 'float32' });
try {
  const prompt = 'def add(a, b):\n    """Return a + b."""\n';
  const samples = model.generate({ prompts: [prompt], samples: 10, seed: 7n, sampling: { temperature: 0.8, topP: 0.95 } });
  for await (const sample of samples) {
    console.log(sample.sampleIndex, sample.finishReason, JSON.stringify(sample.completion), sample.logprobs[0]?.toFixed(3));
  }

  const activations = await model.activations(prompt, ['blocks.3.hook_resid_post']);
  const { shape, data } = activations.get('blocks.3.hook_resid_post');
  console.log('blocks.3.hook_resid_post', shape, data.length);
} finally {
  await model.dispose();
}

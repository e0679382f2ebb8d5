/** faultline's float32 logits after a prompt, for the check that both engines compute the same model. */
import { runTrial } from '../../lib/trial.mjs';
import { TokenModel } from '../../../dist/engine/token-model.js';

runTrial(async (/** @type {{modelPath: string, prompt: number[], threads: number}} */ { modelPath, prompt, threads }) => {
  const model = await TokenModel.load(modelPath, { dtype: 'float32', device: 'cpu', threads });
  const { shape, data } = (await model.activations(Int32Array.from(prompt), ['logits'])).get('logits');
  await model.dispose();
  const vocabulary = shape.at(-1);
  return { logits: Array.from(data.subarray(data.length - vocabulary), (logit, token) => [token, logit]) };
});

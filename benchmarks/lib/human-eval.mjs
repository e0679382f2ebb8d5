/** HumanEval's problems as its file has them. */
import fs from 'node:fs';
import zlib from 'node:zlib';

/** Reads `HumanEval.jsonl.gz`: an object a line, with HumanEval's own names. */
export function readHumanEval(/** @type {string} */ file) {
  const lines = zlib.gunzipSync(fs.readFileSync(file)).toString().trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

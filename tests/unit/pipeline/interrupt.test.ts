/** The first Ctrl-C asks, the second one ends. The end is tested on a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { listenForInterrupt, stopped } from '../../../src/pipeline/interrupt.js';

it('aborts with the command that continues, and stops listening when released', () => {
  const before = process.listenerCount('SIGINT');
  let told = 0;
  const interrupt = listenForInterrupt('faultline run x.yaml', () => told++);
  process.emit('SIGINT', 'SIGINT');
  expect(told).toBe(1);
  expect(interrupt.signal.reason).toMatchObject({ kind: 'interrupted', exitCode: 130, hint: 'Continue with: faultline run x.yaml' });
  expect(stopped(interrupt.signal.reason)).toMatchObject({
    kind: 'interrupted',
    message: 'stopped; nothing has been written',
    hint: 'Begin anew with: faultline run x.yaml',
  });
  interrupt.release();
  expect(process.listenerCount('SIGINT')).toBe(before);
});

it('is ended by the second signal while work still holds the process', async () => {
  // The two modules are compiled here so that this unit test needs no build.
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-interrupt-'));
  for (const [name, source] of [
    ['errors.js', '../../../src/errors.ts'],
    ['interrupt.js', '../../../src/pipeline/interrupt.ts'],
  ] as const) {
    const code = readFileSync(fileURLToPath(new URL(source, import.meta.url)), 'utf8').replace('../errors.js', './errors.js');
    writeFileSync(
      path.join(folder, name),
      ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText,
    );
  }
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    path.join(folder, 'main.js'),
    "import { listenForInterrupt } from './interrupt.js';\nlistenForInterrupt('x', () => console.log('first'));\nsetInterval(() => {}, 1000);\nconsole.log('ready');\n",
  );
  const child = spawn(process.execPath, [path.join(folder, 'main.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = child.stdout[Symbol.asyncIterator]();
  expect(String((await lines.next()).value)).toContain('ready');
  child.kill('SIGINT');
  expect(String((await lines.next()).value)).toContain('first');
  child.kill('SIGINT');
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGINT']);
});

/** `faultline model` with a folder of one's own: it gets a name, is listed under it, and the name works. */
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { faultline, picoModel, scratchFolder } from './faultline.js';

const folder = scratchFolder();

it('names, lists and finds a folder of one’s own', async () => {
  const own = path.join(folder, 'mine');
  cpSync(picoModel, own, { recursive: true, filter: (source) => !source.includes('training') });
  const env = { FAULTLINE_HOME: path.join(folder, 'home') };
  expect((await faultline(['model', 'list'], { env })).out).not.toContain('local/');

  const fetched = await faultline(['model', 'fetch', own], { env });
  expect([fetched.code, fetched.out]).toEqual([0, expect.stringMatching(/: linked, in .*\nuse it with: --model local\/mine\n$/)]);
  const listed = JSON.parse((await faultline(['model', 'list', '--json'], { env })).out) as { name: string; present: boolean }[];
  expect(listed.filter(({ name }) => name === 'local/mine')).toMatchObject([{ present: true }]);
  const used = await faultline(
    ['activations', '--model', 'local/mine', '--tokens', '1', '--hooks', 'logits', '--out', path.join(folder, 'x')],
    { env },
  );
  expect(used.code, used.err).toBe(0);

  rmSync(own, { recursive: true });
  expect((await faultline(['model', 'list'], { env })).out).toMatch(/local\/mine .*\n +gone: .* leads nowhere\n/);
});

/** The launcher alone, with scripts of the tests' in place of judge and zygote: how ends are told, and what is left over. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { findLauncher, kernelReport, parseEnd, type CompartmentEnd } from '../../../src/sandbox/launcher.js';
import { descendants, eventually, gone } from './processes.js';
import { PYTHON } from './users.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-scripts-'));
const temporary = path.join(folder, 'temporary');
mkdirSync(temporary);
execFileSync('chmod', ['755', folder]);
execFileSync('chmod', ['1777', temporary]);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let count = 0;
/** Starts a launcher with the two scripts. */
function start(tier: string, judge: string, zygote: string) {
  const scripts = path.join(folder, String(count++));
  mkdirSync(scripts);
  writeFileSync(path.join(scripts, 'judge.py'), `import os, signal, sys, time\n${judge}`);
  writeFileSync(path.join(scripts, 'zygote.py'), `import os, signal, sys, time\n${zygote}`);
  const place = ['--python', PYTHON, '--scripts', scripts, '--scratch-parent', temporary];
  // Tier `none` has no folder of its own: what is written lands where the launcher was started.
  const child = spawn(findLauncher(), ['--tier', tier, ...place], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'], env: {}, cwd: folder });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [, , diagnostics, lifeline] = child.stdio;
  return { child, closed, said: text(diagnostics!), lifeline: lifeline as Writable };
}

/** What the launcher says when both scripts have done as they do. */
async function endOf(tier: string, judge: string, zygote: string): Promise<CompartmentEnd | null> {
  const { closed, said, lifeline } = start(tier, judge, zygote);
  expect(await closed).toBe(71);
  lifeline.destroy();
  const end = parseEnd(await said);
  // Told once.
  expect((await said).match(/ ended: /g)).toHaveLength(1);
  return end;
}

const { landlock } = await kernelReport();
const tiers = ['namespaces', ...(landlock === null ? [] : ['landlock']), 'none'].map((tier) => ({ tier }));
/** Leaves when the other is gone, as the zygote does. */
const LEAVES = 'os.read(3, 1)\nsys.exit(0)\n';

describe.each(tiers)('in tier $tier', ({ tier }) => {
  it('tells of the death, not of the exit that it brought about', async () => {
    const dies = 'os.close(3)\ntime.sleep(0.2)\nos.kill(os.getpid(), signal.SIGPROF)\ntime.sleep(1000)\n';
    expect(await endOf(tier, dies, LEAVES)).toEqual({ compartment: 'judge', by: 'signal', number: 27 });
    // A first process of a namespace is deaf to its own signals; a limit's it is not.
    const limited = 'import resource\nos.close(3)\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True:\n    pass\n';
    expect(await endOf(tier, LEAVES, limited)).toEqual({ compartment: 'zygote', by: 'signal', number: 9 });
  });

  it('tells of an exit where nobody died', async () => {
    expect(await endOf(tier, 'sys.exit(7)\n', LEAVES)).toEqual({ compartment: 'judge', by: 'exit', number: 7 });
    expect(await endOf(tier, LEAVES, 'sys.exit(8)\n')).toEqual({ compartment: 'zygote', by: 'exit', number: 8 });
  });

  it('leaves no process, however it was started, and no folder', async () => {
    const leaves = [
      'for session in (False, True):',
      '    if os.fork() == 0:',
      '        if session:',
      '            os.setsid()',
      '            if os.fork() != 0:',
      '                os._exit(0)',
      '        signal.signal(signal.SIGTERM, signal.SIG_IGN)',
      '        open("left%d" % session, "w").close()',
      '        time.sleep(1000)',
      'os.read(3, 1)',
    ].join('\n');
    const { child, closed, said, lifeline } = start(tier, 'time.sleep(1000)\n', leaves);
    await eventually(() => {
      const commands = descendants(child.pid).map(({ command }) => path.basename(command));
      // The one in between has left, and another is its orphan's parent now.
      expect(commands.sort()).toEqual(['judge.py', 'zygote.py', 'zygote.py', 'zygote.py']);
    });
    const processes = descendants(child.pid);
    lifeline.destroy();
    expect(await closed).toBe(0);
    await gone(processes);
    expect(readdirSync(temporary)).toEqual([]);
    expect(await said).toBe('');
  });
});

describe('its arguments', () => {
  it.each([
    ['--tier', 'best'],
    ['--tier'],
    ['--scratch-parent', 'here'],
    ['--landlock-most', '0'],
    ['--scratch-bytes', '1'],
    ['--unknown', '1'],
  ])('%s %s are refused', async (...given) => {
    const child = spawn(findLauncher(), ['--python', PYTHON, '--scripts', folder, ...given.filter(Boolean)], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const said = text(child.stderr);
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(72);
    expect(await said).toMatch(/^faultline-launcher: .*\nusage: faultline-launcher --tier namespaces\|landlock\|none /);
  });
});

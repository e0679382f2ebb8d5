/** Every command's help, and how wrong commands and flags are told. Nothing here needs the engine. */
import { describe, expect, it, vi } from 'vitest';
import { main } from '../../../src/cli/main.js';
import { COMMANDS, createProgram } from '../../../src/cli/program.js';

/** Runs the command line in this process. */
async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out.push(String(text)), true));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (err.push(String(text)), true));
  try {
    const code = await main(args);
    return { code, out: out.join(''), err: err.join('') };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

describe('help', () => {
  it('lists every command', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS) {
      expect(out).toContain(name);
      expect(out.replace(/\s+/g, ' ')).toContain(summary);
    }
  });

  it.each(COMMANDS.map(({ name }) => name))('%s: examples, exit codes and --json', async (name) => {
    const { code, out } = await run(name, '--help');
    expect(code).toBe(0);
    expect(out).toContain('Examples:\n');
    expect(out).toMatch(new RegExp(`\\$ faultline ${name}`));
    expect(out).toContain('Exit codes:\n    0  done');
    if (!['annotate', 'data', 'model'].includes(name)) expect(out).toContain('--json');
  });

  it.each([
    ['annotate', 'draw'],
    ['annotate', 'label'],
    ['annotate', 'score'],
    ['data', 'fetch'],
    ['data', 'list'],
    ['model', 'fetch'],
    ['model', 'list'],
  ])('%s %s', async (name, verb) => {
    const { code, out } = await run(name, verb, '--help');
    expect(code).toBe(0);
    expect(out).toContain('Examples:\n');
    expect(out).toContain('Exit codes:\n');
    expect(out).toContain('--json');
  });

  it.each([[[]], [['annotate']], [['data']], [['model']]])('is what %j gets, on stderr, as a command is missing', async (args) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: faultline');
    expect(err).toContain('Examples:');
    expect(err).not.toContain('error:');
  });

  it('loads only the command that is asked for', async () => {
    const program = await createProgram(['doctor']);
    const flags = program.commands.map((command) => [command.name(), command.options.length] as const);
    expect(flags.filter(([, count]) => count > 0).map(([name]) => name)).toEqual(['doctor']);
  });
});

describe('mistakes', () => {
  it.each([[['doctor']], [['data', 'list']]])('a misspelt variable, with %j', async (args) => {
    vi.stubEnv('FAULTLINE_SAMPEL', '5');
    try {
      const { code, out, err } = await run(...args);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/error:.* unknown variable FAULTLINE_SAMPEL\n.*hint:.* Did you mean FAULTLINE_SAMPLES/);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    ['an unknown command', ['rnu'], "unknown command 'rnu'", 'run'],
    ['an unknown flag', ['generate', '--sampels', '3', '--out', 'x'], "unknown option '--sampels'", '--samples'],
    ['a missing flag', ['generate'], "required option '--out <file>' not specified", '--help'],
    ['no samples', ['generate', '--samples', '0', '--out', 'x'], '--samples: expected an integer from 1 to 1000000, got 0', 'samples'],
    ['no threads', ['generate', '--threads', '0', '--out', 'x'], '--threads: expected an integer from 1', 'threads'],
    ['an impossible eta', ['run', '--eta', '1'], '--eta: expected a number from 0 and below 1, got', 'eta'],
    ['an impossible top-p', ['run', '--top-p', '1.5'], '--top-p: expected a number above 0 and at most 1, got', 'top_p'],
    ['an unknown dtype', ['run', '--dtype', 'float64'], '--dtype: expected float32, bfloat16 or int8, got "float64"', 'dtype'],
    ['an unknown device', ['run', '--device', 'gpu'], '--device: expected cpu, cuda or auto, got "gpu"', 'device'],
    ['a shard that does not exist', ['run', '--shard', '2/2'], '--shard: expected a shard i/n', 'every n-th problem'],
    ['a plan without numbers', ['doctor', '--plan', 'gpt2', '100'], '--plan takes a model and three numbers, and got gpt2 100', '150'],
    ['a plan of no sample', ['doctor', '--plan', 'gpt2', '0', '1', '1'], '--plan: samples: expected an integer from 1', 'gpt2 100'],
    ['a plan of two models', ['doctor', '--plan', 'gpt2', '1', '1', '1', '--model', 'x'], '--plan names the model itself', '--model'],
    ['numbers without a plan', ['doctor', 'gpt2'], 'doctor takes no argument, and got gpt2', '--plan'],
    ['an argument too many', ['run', 'a.yaml', 'b.yaml'], 'too many arguments', '--help'],
    ['neither tokens nor text', ['activations', '--hooks', 'logits', '--out', 'x'], 'exactly one of --tokens and --text', '--tokens 1,2,3'],
    [
      'tokens that are none',
      ['activations', '--tokens', '1,x', '--hooks', 'logits', '--out', 'x'],
      '--tokens: expected token ids',
      '1,2,3',
    ],
  ])('%s', async (_, args, reason, hint) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    const lines = err.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(`error: ${reason}`.slice(0, 12));
    expect(lines[0]).toContain(reason);
    expect(lines[1]).toContain('hint:');
    expect(lines[1]).toContain(hint);
  });
});

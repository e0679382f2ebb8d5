/** Fetching a model from a server that speaks the hub's language, with the bundled model as the repository. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { fetchModel } from '../../../src/datasets/fetch-model.js';
import { locateModel, modelFolder } from '../../../src/datasets/models.js';
import { FaultlineError } from '../../../src/errors.js';
import { ggufFileOf } from '../../../src/gguf.js';
import { loadTokenizer } from '../../../src/tokenizer/bpe.js';
import { header, tensor } from '../../unit/gguf-bytes.js';
import { deadUrl, sendWithRanges, startServer, type TestServer } from './server.js';

const pico = resolve(import.meta.dirname, '../../../data/models/pico-gpt2-py');
const scratch = mkdtempSync(join(tmpdir(), 'faultline-hub-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
let counter = 0;
const newHome = () => join(scratch, `home-${counter++}`);
const refusal = async (promise: Promise<unknown>): Promise<FaultlineError> => {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const inRepository = () =>
  new Map(
    readdirSync(pico)
      .filter((name) => statSync(join(pico, name)).isFile())
      .map((name) => [name, readFileSync(join(pico, name))]),
  );

/** The three answers of the hub that matter: what a revision is, which files it has, and their contents. */
async function hub(repository: string, files: Map<string, Buffer>): Promise<TestServer> {
  const server = await startServer((request, response, url) => {
    const json = (value: unknown) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (url.pathname === `/api/models/${repository}/revision/main`) {
      return json({
        _id: '1',
        id: repository,
        private: false,
        pipeline_tag: 'text-generation',
        downloads: 0,
        gated: false,
        likes: 0,
        lastModified: '2024-01-01T00:00:00.000Z',
        sha: COMMIT,
      });
    }
    if (url.pathname === `/api/models/${repository}/tree/${COMMIT}`) {
      return json(
        [...files].map(([path, content]) => {
          const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
          const lfs = { oid: createHash('sha256').update(content).digest('hex'), size: content.length, pointerSize: 130 };
          return { type: 'file', path, size: content.length, oid, ...(path.endsWith('.safetensors') ? { lfs } : {}) };
        }),
      );
    }
    const file = files.get(url.pathname.replace(`/${repository}/resolve/${COMMIT}/`, ''));
    if (file === undefined) return response.writeHead(404).end('{"error":"Repository not found"}');
    sendWithRanges(request, response, file);
  });
  servers.push(server);
  return server;
}

describe('fetchModel from a hub', () => {
  it('downloads what is needed and nothing else, pins the commit, and can be located and read', async () => {
    const files = new Map([...inRepository(), ['pytorch_model.bin', Buffer.from('a pickle')], ['onnx/model.onnx', Buffer.from('x')]]);
    const server = await hub('openai-community/gpt2', files);
    const home = newHome();
    expect(
      (() => {
        try {
          return locateModel('gpt2', home);
        } catch (error) {
          return (error as FaultlineError).hint;
        }
      })(),
    ).toBe('Run: faultline model fetch gpt2');
    const fetched = await fetchModel('gpt2', { home, hubUrl: server.url });
    expect(fetched).toMatchObject({
      name: 'gpt2',
      how: 'downloaded',
      revision: COMMIT,
      folder: join(home, 'models', 'openai-community', 'gpt2'),
    });
    expect(fetched.files).toEqual([
      'config.json',
      'generation_config.json',
      'tokenizer_config.json',
      'tokenizer.json',
      'vocab.json',
      'merges.txt',
      'model.safetensors',
    ]);
    expect(readdirSync(fetched.folder).sort()).toEqual([...fetched.files, 'faultline-source.json'].sort());
    expect(readFileSync(join(fetched.folder, 'model.safetensors')).equals(files.get('model.safetensors')!)).toBe(true);
    expect(locateModel('gpt2', home)).toBe(fetched.folder);
    expect(locateModel('openai-community/gpt2', home)).toBe(fetched.folder);
    expect((await loadTokenizer(fetched.folder)).vocabularySize).toBe(4096);
    expect(JSON.parse(readFileSync(join(fetched.folder, 'faultline-source.json'), 'utf8'))).toMatchObject({
      repository: 'openai-community/gpt2',
      revision: COMMIT,
    });

    const before = server.requests.length;
    expect((await fetchModel('gpt2', { home, hubUrl: server.url })).how).toBe('present');
    expect(server.requests.slice(before).map((entry) => entry.path)).toEqual([
      '/api/models/openai-community/gpt2/revision/main',
      `/api/models/openai-community/gpt2/tree/${COMMIT}`,
    ]);
  });

  it('resumes the weights', async () => {
    const files = inRepository();
    const server = await hub('someone/small', files);
    const home = newHome();
    const folder = join(home, 'models', 'someone', 'small');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'model.safetensors.part'), files.get('model.safetensors')!.subarray(0, 1_000_000));
    await fetchModel('someone/small', { home, hubUrl: server.url });
    expect(server.requests.at(-1)).toMatchObject({ range: 'bytes=1000000-' });
    expect(readFileSync(join(folder, 'model.safetensors')).equals(files.get('model.safetensors')!)).toBe(true);
  });

  it('fetches shards with their index', async () => {
    const files = inRepository();
    const weights = files.get('model.safetensors')!;
    files.delete('model.safetensors');
    files.set('model-00001-of-00001.safetensors', weights);
    files.set(
      'model.safetensors.index.json',
      Buffer.from(JSON.stringify({ weight_map: { 'wte.weight': 'model-00001-of-00001.safetensors' } })),
    );
    const server = await hub('someone/sharded', files);
    expect((await fetchModel('someone/sharded', { home: newHome(), hubUrl: server.url })).files).toEqual(
      expect.arrayContaining(['model.safetensors.index.json', 'model-00001-of-00001.safetensors']),
    );
  });

  it('sends the access token', async () => {
    const server = await hub('someone/private', inRepository());
    await fetchModel('someone/private', { home: newHome(), hubUrl: server.url, accessToken: 'hf_abc' });
    expect(new Set(server.requests.map((entry) => entry.authorization))).toEqual(new Set(['Bearer hf_abc']));
  });

  it('says when there are only pickles, and how to get weights that can be read', async () => {
    const files = inRepository();
    files.delete('model.safetensors');
    files.set('pytorch_model.bin', Buffer.from('a pickle'));
    const server = await hub('someone/old', files);
    const error = await refusal(fetchModel('someone/old', { home: newHome(), hubUrl: server.url }));
    expect([error.kind, error.message]).toEqual(['input', expect.stringMatching(/no safetensors weights \(it has pytorch_model\.bin/)]);
    expect(error.hint).toMatch(/--revision.*save_pretrained/);
  });

  it('refuses content that is not what the hub listed', async () => {
    const files = inRepository();
    const server = await hub('someone/changed', files);
    const listed = files.get('config.json')!;
    const get = files.get.bind(files);
    files.get = (path) => (path === 'config.json' ? Buffer.from(listed.toString().replace('256', '257')) : get(path));
    const error = await refusal(fetchModel('someone/changed', { home: newHome(), hubUrl: server.url }));
    expect([error.kind, error.message]).toEqual(['input', expect.stringMatching(/checksum/)]);
  });

  it('says that a model is not there, and that there is no network', async () => {
    const server = await hub('someone/else', inRepository());
    const missing = await refusal(fetchModel('someone/missing', { home: newHome(), hubUrl: server.url }));
    expect([missing.kind, missing.message]).toEqual(['environment', expect.stringMatching(/no model at .*someone\/missing/)]);
    const home = newHome();
    const offline = await refusal(fetchModel('gpt2', { home, hubUrl: await deadUrl() }));
    expect(offline.kind).toBe('environment');
    expect(offline.message).toMatch(/ECONNREFUSED.*is there a network\?/);
    for (const part of [
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      join(home, 'models', 'openai-community', 'gpt2'),
      'faultline model fetch <folder>',
    ])
      expect(offline.hint).toContain(part);
  });

  it('stops with the reason of the signal', async () => {
    const server = await startServer(() => undefined);
    servers.push(server);
    const controller = new AbortController();
    const fetching = fetchModel('someone/slow', { home: newHome(), hubUrl: server.url, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(fetching).rejects.toThrow('enough');
  });

  it('offers the nearest names', async () => {
    expect(await refusal(fetchModel('gtp2'))).toMatchObject({ kind: 'usage', hint: expect.stringContaining('gpt2') as string });
    expect(await refusal(fetchModel('pico-gpt2-py'))).toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('bundled') as string,
    });
    expect((await refusal(fetchModel('../../no-such-model'))).kind).toBe('usage');
  });
});

describe('fetchModel from a folder', () => {
  it('checks and links it', async () => {
    const home = newHome();
    const folder = join(scratch, 'my model');
    cpSync(pico, folder, { recursive: true });
    const fetched = await fetchModel(folder, { home });
    expect(fetched).toMatchObject({ name: 'local/my-model', how: 'linked', revision: null });
    expect(existsSync(join(locateModel('local/my-model', home), 'model.safetensors'))).toBe(true);
    expect((await fetchModel(folder, { home })).how).toBe('present');
  });

  it('links one that holds a GGUF file, and has nothing to fetch for the file alone', async () => {
    const home = newHome();
    const folder = join(scratch, 'gguf');
    const file = join(folder, 'm.gguf');
    mkdirSync(folder);
    writeFileSync(file, header([], [tensor('a', [1])]));
    expect(await fetchModel(folder, { home })).toMatchObject({ name: 'local/gguf', how: 'linked', files: ['m.gguf'] });
    expect(ggufFileOf(locateModel('local/gguf', home))).toBe(join(modelFolder('local/gguf', home), 'm.gguf'));
    expect(locateModel(file, home)).toBe(file);
    expect(await refusal(fetchModel(file, { home }))).toMatchObject({ kind: 'input', hint: expect.stringContaining(`--model ${file}`) as string }); // prettier-ignore
    expect(() => locateModel('gguf/none.gguf', home)).toThrow('gguf/none.gguf: no such file');

    writeFileSync(file, header([], [tensor('a', [1])]).subarray(0, -1));
    expect((await refusal(fetchModel(folder, { home }))).message).toMatch(/m\.gguf: byte \d+: .*\(is it truncated\?\)/);
    // What is no model any more is not found, and stops no listing.
    writeFileSync(join(folder, 'n.gguf'), '');
    expect(() => locateModel('local/gguf', home)).toThrow('has not been fetched');
  });

  it.each([
    [
      'without weights',
      (folder: string) => {
        rmSync(join(folder, 'model.safetensors'));
      },
      /no model\.safetensors/,
    ],
    [
      'with cut weights',
      (folder: string) => {
        truncateSync(join(folder, 'model.safetensors'), 5_000_000);
      },
      /model\.safetensors: 5000000 bytes long, its header promises \d+/,
    ],
    [
      'with weights that are none',
      (folder: string) => {
        writeFileSync(join(folder, 'model.safetensors'), 'version https://git-lfs.github.com/spec/v1\n');
      },
      /not a safetensors file/,
    ],
    [
      'with empty weights',
      (folder: string) => {
        writeFileSync(join(folder, 'model.safetensors'), '');
      },
      /not a safetensors file/,
    ],
    [
      'without a config',
      (folder: string) => {
        rmSync(join(folder, 'config.json'));
      },
      /no config\.json/,
    ],
    [
      'without a tokenizer',
      (folder: string) => {
        ['tokenizer.json', 'merges.txt'].forEach((name) => {
          rmSync(join(folder, name));
        });
      },
      /no tokenizer/,
    ],
  ])('refuses a folder %s', async (_, damage, says) => {
    const folder = join(scratch, `damaged-${counter++}`);
    mkdirSync(folder);
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'vocab.json', 'merges.txt'])
      copyFileSync(join(pico, name), join(folder, name));
    damage(folder);
    const error = await refusal(fetchModel(folder, { home: newHome() }));
    expect([error.kind, error.message]).toEqual(['input', expect.stringMatching(says)]);
  });
});

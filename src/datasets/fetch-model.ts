/**
 * Puts a model's files where `--model <name>` looks for them: from the Hugging Face hub, or from a folder that is already
 * here. Only the files that faultline reads; weights as safetensors, never pickles, which can run code when loaded.
 */
import { lstat, open, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HubApiError, listFiles, modelInfo, type ListFileEntry } from '@huggingface/hub';
import { FaultlineError, nearest, reasonOf } from '../errors.js';
import { ggufFileOf, readGgufHeader } from '../gguf.js';
import { makeFolders } from '../folders.js';
import { AtomicFile } from './atomic-file.js';
import { download, networkError, type DownloadProgress } from './download.js';
import { modelFolder, models, repositoryOf } from './models.js';

export interface FetchModelOptions {
  /** A branch, tag, commit or `refs/pr/1`; default `main`. What it stands for now is pinned and recorded. */
  readonly revision?: string;
  readonly home?: string;
  /** Another hub with the same interface, such as a mirror. Default: `$HF_ENDPOINT`, else https://huggingface.co. */
  readonly hubUrl?: string;
  /** For gated or private models. Default: `$HF_TOKEN`. */
  readonly accessToken?: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FetchedModel {
  readonly name: string;
  readonly folder: string;
  /** The commit that the files are from; null for a folder of one's own. */
  readonly revision: string | null;
  readonly files: readonly string[];
  /** `present` where every file was there already. */
  readonly how: 'downloaded' | 'linked' | 'present';
}

const HUB_URL = 'https://huggingface.co';
const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const WEIGHTS_INDEX = 'model.safetensors.index.json';
/** Small files first, weights last: a folder with weights in it is then complete but for more weights. */
const SMALL_FILES = [CONFIG, 'generation_config.json', 'tokenizer_config.json', 'tokenizer.json', 'vocab.json', 'merges.txt'];
/** What was fetched and from where; written last, read by people. */
const RECORD = 'faultline-source.json';

/**
 * Fetches a model: a known name (`gpt2`), an id of the hub (`owner/name`), or a folder on this machine, which is checked
 * and linked. Files that are there with the right checksum are not downloaded again; broken downloads resume.
 *
 * Errors: `usage` for what is neither, `environment` without a network or where the hub refuses (it names the files to
 * put in place), `input` for a repository or folder without usable weights, `output` where nothing can be written.
 */
export async function fetchModel(nameOrFolder: string, options: FetchModelOptions = {}): Promise<FetchedModel> {
  const found = await stat(nameOrFolder).catch(() => null);
  if (found !== null) return linkFolder(nameOrFolder, found.isDirectory(), options.home);
  const repository = repositoryOf(nameOrFolder);
  if (repository !== null) return fetchFromHub(nameOrFolder, repository, options);
  if (models.some((row) => row.name === nameOrFolder)) {
    throw new FaultlineError('usage', `${nameOrFolder} is bundled: there is nothing to fetch`, {
      hint: `Use it as it is: --model ${nameOrFolder}`,
    });
  }
  const names = models.filter((row) => row.repository !== null).map((row) => row.name);
  const near = nearest(nameOrFolder, names);
  throw new FaultlineError('usage', `${JSON.stringify(nameOrFolder)} is neither a folder nor the id of a model`, {
    hint: `Use one of ${(near.length > 0 ? near : names).join(', ')}, an id such as owner/name, or a folder.`,
  });
}

async function fetchFromHub(name: string, repository: string, options: FetchModelOptions): Promise<FetchedModel> {
  const { onProgress, signal } = options;
  const hubUrl = options.hubUrl ?? nonEmpty(process.env['HF_ENDPOINT']) ?? HUB_URL;
  const accessToken = options.accessToken ?? nonEmpty(process.env['HF_TOKEN']);
  const folder = modelFolder(repository, options.home);
  const byHand = `Put ${CONFIG}, ${WEIGHTS} and tokenizer.json (or vocab.json and merges.txt) from ${hubUrl}/${repository} into ${folder}, or run: faultline model fetch <folder>`;

  const asked = {
    hubUrl,
    ...(accessToken === undefined ? {} : { accessToken }),
    // The library takes a fetch of one's own, and no signal.
    fetch: ((input, init) => fetch(input, signal === undefined ? init : { ...init, signal })) as typeof fetch,
  };
  const { revision, entries } = await hubCall(`${hubUrl}/${repository}`, byHand, signal, async () => {
    const info = await modelInfo({ ...asked, name: repository, revision: options.revision ?? 'main', additionalFields: ['sha'] });
    const entries: ListFileEntry[] = [];
    for await (const entry of listFiles({ ...asked, repo: { type: 'model', name: repository }, revision: info.sha })) entries.push(entry);
    return { revision: info.sha, entries };
  });

  const wanted = wantedFiles(entries, repository, revision);
  let how: FetchedModel['how'] = 'present';
  const record: Record<string, { sizeBytes: number; checksum: string }> = {};
  for (const entry of wanted) {
    const checksum =
      entry.lfs === undefined
        ? ({ algorithm: 'git-blob', hex: entry.oid! } as const)
        : ({ algorithm: 'sha256', hex: entry.lfs.oid } as const);
    const done = await download({
      url: `${hubUrl}/${repository}/resolve/${encodeURIComponent(revision)}/${entry.path}`,
      destination: join(folder, entry.path),
      checksum,
      sizeBytes: entry.size,
      offlineHint: byHand,
      ...(accessToken === undefined ? {} : { headers: { authorization: `Bearer ${accessToken}` } }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (done === 'downloaded') how = 'downloaded';
    record[entry.path] = { sizeBytes: entry.size, checksum: `${checksum.algorithm}:${checksum.hex}` };
  }
  await requireModelFolder(folder);
  const file = await AtomicFile.open(join(folder, RECORD));
  await file.write(`${JSON.stringify({ repository, revision, hub: hubUrl, files: record }, null, 2)}\n`);
  await file.commit();
  return { name, folder, revision, files: wanted.map((entry) => entry.path), how };
}

/** The entries to download. Throws `input` where the repository has no weights that faultline reads. */
function wantedFiles(entries: readonly ListFileEntry[], repository: string, revision: string): ListFileEntry[] {
  const byPath = new Map(entries.filter((entry) => entry.type === 'file').map((entry) => [entry.path, entry]));
  const whole = byPath.get(WEIGHTS);
  const shards = [...byPath.keys()].filter((path) => /^model-\d+-of-\d+\.safetensors$/.test(path)).sort();
  const weights = whole !== undefined ? [WEIGHTS] : byPath.has(WEIGHTS_INDEX) && shards.length > 0 ? [WEIGHTS_INDEX, ...shards] : [];
  if (weights.length === 0 || !byPath.has(CONFIG)) {
    const has = byPath.has('pytorch_model.bin') ? ' (it has pytorch_model.bin, which faultline does not read: pickles can run code)' : '';
    throw new FaultlineError(
      'input',
      `${repository} at ${revision.slice(0, 12)} has no ${weights.length === 0 ? `safetensors weights${has}` : CONFIG}`,
      {
        hint: `Look for a converted branch or pull request on the hub and fetch it with --revision (such as refs/pr/1), or convert it: python3 -c "from transformers import AutoModelForCausalLM as M; M.from_pretrained('${repository}').save_pretrained('converted')"`,
      },
    );
  }
  return [...SMALL_FILES.filter((path) => byPath.has(path)), ...weights].map((path) => byPath.get(path)!);
}

/** Turns what the hub's library throws into errors with a next step. */
async function hubCall<T>(url: string, byHand: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof HubApiError)) throw networkError(url, error, byHand);
    // The hub answers 401 for what does not exist, so that nobody can tell private models from none.
    const missing = error.statusCode === 404 || error.statusCode === 401;
    throw new FaultlineError(
      'environment',
      missing ? `the hub has no model at ${url} that may be read (status ${error.statusCode})` : `the hub refused ${url}: ${error.message}`,
      {
        hint: missing ? 'Check the id and the revision; for gated or private models set HF_TOKEN.' : byHand,
        cause: error,
      },
    );
  }
}

/** Checks a folder of one's own and makes it known under its name by a link. */
async function linkFolder(given: string, isFolder: boolean, home?: string): Promise<FetchedModel> {
  const folder = resolve(given);
  if (!isFolder)
    throw new FaultlineError('input', 'not a folder', {
      place: { file: given },
      hint: given.endsWith('.gguf')
        ? `There is nothing to fetch: use it as it is, with --model ${given}`
        : 'Give the folder that holds config.json, the weights and the tokenizer.',
    });
  const files = await requireModelFolder(folder);
  // The name must be one that `repositoryOf` knows again; folder names may hold anything.
  const name = `local/${
    basename(folder)
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '') || 'model'
  }`;
  const link = modelFolder(name, home);
  const result = { name, folder: link, revision: null, files };
  try {
    const existing = await lstat(link).catch(() => null);
    if (existing?.isSymbolicLink() === true) {
      if (resolve(dirname(link), await readlink(link)) === folder) return { ...result, how: 'present' };
      await rm(link);
    } else if (existing !== null) {
      throw new Error('something that is not a link is there');
    }
    makeFolders(dirname(link));
    await symlink(folder, link, 'dir');
  } catch (error) {
    throw new FaultlineError('output', `cannot be linked: ${reasonOf(error)}`, {
      place: { file: link },
      hint: 'Choose another cache folder with FAULTLINE_HOME, or use the folder itself: --model takes paths.',
      cause: error,
    });
  }
  return { ...result, how: 'linked' };
}

/**
 * Looks whether a folder can be a model: config, complete weights, a tokenizer. Returns the files that matter. The full
 * validation is the engine's and the tokenizer's; this finds what a broken copy looks like.
 */
async function requireModelFolder(folder: string): Promise<string[]> {
  const gguf = ggufFileOf(folder);
  if (gguf !== null) {
    await readGgufHeader(gguf, () => false);
    return [basename(gguf)];
  }
  const present = async (name: string) => (await stat(join(folder, name)).catch(() => null))?.isFile() === true;
  const fail = (reason: string): never => {
    throw new FaultlineError('input', reason, {
      place: { file: folder },
      hint: `Expected ${CONFIG}, ${WEIGHTS} (or shards with ${WEIGHTS_INDEX}), and tokenizer.json or vocab.json and merges.txt; or one GGUF file.`,
    });
  };
  if (!(await present(CONFIG))) fail(`no ${CONFIG} in this folder`);
  let weights = [WEIGHTS];
  if (!(await present(WEIGHTS))) {
    if (!(await present(WEIGHTS_INDEX))) fail(`no ${WEIGHTS} in this folder`);
    weights = await shardsOf(join(folder, WEIGHTS_INDEX));
  }
  for (const file of weights) await requireCompleteSafetensors(join(folder, file));
  const tokenizer = (await present('tokenizer.json')) ? ['tokenizer.json'] : ['vocab.json', 'merges.txt'];
  for (const file of tokenizer) if (!(await present(file))) fail('no tokenizer in this folder');
  return [CONFIG, ...tokenizer, ...weights];
}

async function shardsOf(index: string): Promise<string[]> {
  try {
    const { weight_map: map } = JSON.parse(await readFile(index, 'utf8')) as { weight_map: Record<string, string> };
    return [...new Set(Object.values(map))].sort();
  } catch (error) {
    throw new FaultlineError('input', `not a usable index of shards: ${reasonOf(error)}`, {
      place: { file: index },
      hint: 'Fetch the file again.',
      cause: error,
    });
  }
}

/** Whether the file is as long as its header says: what an interrupted copy is not. */
async function requireCompleteSafetensors(file: string): Promise<void> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new FaultlineError('input', reason, {
      place: { file },
      hint: 'Copy or fetch the file again.',
      ...(cause === undefined ? {} : { cause }),
    });
  };
  const handle = await open(file, 'r').catch((error: unknown) => fail(`cannot be read: ${reasonOf(error)}`, error));
  try {
    const { size } = await handle.stat();
    const length = Buffer.alloc(8);
    await handle.read(length, 0, 8, 0);
    const headerBytes = Number(length.readBigUInt64LE(0));
    // 100 MB is the format's own limit for the header.
    if (size < 8 || headerBytes > 100e6 || 8 + headerBytes > size) return fail('not a safetensors file, or cut off inside its header');
    const header = Buffer.alloc(headerBytes);
    await handle.read(header, 0, headerBytes, 8);
    const tensors = JSON.parse(header.toString('utf8')) as Record<string, { data_offsets?: [number, number] }>;
    const end = Math.max(0, ...Object.values(tensors).map((tensor) => tensor.data_offsets?.[1] ?? 0));
    if (size !== 8 + headerBytes + end) return fail(`${size} bytes long, its header promises ${8 + headerBytes + end}`);
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    return fail(`its header cannot be read: ${reasonOf(error)}`, error);
  } finally {
    await handle.close();
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Downloading over a real socket: resume, checksums, broken connections, no network. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { checksumOf, download, type DownloadProgress, type DownloadRequest } from '../../../src/datasets/download.js';
import { FaultlineError } from '../../../src/errors.js';
import { deadUrl, sendWithRanges, startServer, type TestServer } from './server.js';

const scratch = mkdtempSync(join(tmpdir(), 'faultline-download-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
const serve = async (...args: Parameters<typeof startServer>): Promise<TestServer> => {
  const server = await startServer(...args);
  servers.push(server);
  return server;
};

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3));
const sha256 = createHash('sha256').update(content).digest('hex');
let counter = 0;
const requestTo = (url: string, changes: Partial<DownloadRequest> = {}): DownloadRequest => ({
  url: `${url}/file`,
  destination: join(scratch, `${counter++}`, 'file.bin'),
  checksum: { algorithm: 'sha256', hex: sha256 },
  offlineHint: 'Put file.bin there yourself.',
  ...changes,
});
const refusal = async (request: DownloadRequest): Promise<FaultlineError> => {
  const error: unknown = await download(request).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

describe('download', () => {
  it('downloads, reports progress up to the end, and leaves only the file', async () => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, content);
    });
    const progress: DownloadProgress[] = [];
    const request = requestTo(server.url, { onProgress: (entry) => progress.push(entry) });
    expect(await download(request)).toBe('downloaded');
    expect(readFileSync(request.destination).equals(content)).toBe(true);
    expect(readdirSync(join(request.destination, '..'))).toEqual(['file.bin']);
    expect(progress.at(-1)).toEqual({ file: request.destination, receivedBytes: content.length, totalBytes: content.length });
    expect(progress.map((entry) => entry.receivedBytes)).toEqual(progress.map((entry) => entry.receivedBytes).sort((a, b) => a - b));
  });

  it('does nothing when the file is there and right, and replaces it when it is wrong', async () => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, content);
    });
    const request = requestTo(server.url);
    await download(request);
    expect(await download(request)).toBe('present');
    expect(server.requests).toHaveLength(1);
    writeFileSync(request.destination, 'changed');
    expect(await download(request)).toBe('downloaded');
    expect(readFileSync(request.destination).equals(content)).toBe(true);
  });

  it('asks for the rest of a part that an earlier run left', async () => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, content);
    });
    const request = requestTo(server.url);
    mkdirSync(join(request.destination, '..'), { recursive: true });
    writeFileSync(`${request.destination}.part`, content.subarray(0, 123_456));
    expect(await download(request)).toBe('downloaded');
    expect(server.requests.map((entry) => entry.range)).toEqual(['bytes=123456-']);
    expect(readFileSync(request.destination).equals(content)).toBe(true);
  });

  it('takes a part that is already the whole file', async () => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, content);
    });
    const request = requestTo(server.url);
    mkdirSync(join(request.destination, '..'), { recursive: true });
    writeFileSync(`${request.destination}.part`, content);
    expect(await download(request)).toBe('downloaded');
    expect(readFileSync(request.destination).equals(content)).toBe(true);
  });

  it.each([
    ['of another version', () => Buffer.alloc(1000, 1)],
    ['longer than the file', () => Buffer.concat([content, content])],
  ])('starts over when the part is %s', async (_, part) => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, content);
    });
    const request = requestTo(server.url);
    mkdirSync(join(request.destination, '..'), { recursive: true });
    writeFileSync(`${request.destination}.part`, part());
    expect(await download(request)).toBe('downloaded');
    expect(readFileSync(request.destination).equals(content)).toBe(true);
  });

  it('starts over with a server that knows no ranges', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-length': content.length }).end(content));
    const request = requestTo(server.url);
    mkdirSync(join(request.destination, '..'), { recursive: true });
    writeFileSync(`${request.destination}.part`, content.subarray(0, 5000));
    await download(request);
    expect(readFileSync(request.destination).equals(content)).toBe(true);
  });

  it('resumes by itself when the connection breaks in the middle', async () => {
    let current: ServerResponse | null = null;
    const server = await serve((request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      if (server.requests.length > 2) {
        sendWithRanges(request, response, content);
        return;
      }
      current = response;
      const range = start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {};
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start, ...range });
      response.write(content.subarray(start, start + 50_000));
    });
    // Cut only what has arrived: what is still in the socket's buffer when it breaks may or may not be delivered.
    const request = requestTo(server.url, {
      onProgress: ({ receivedBytes }) => {
        if (receivedBytes === 50_000 * server.requests.length) current?.destroy();
      },
    });
    expect(await download(request)).toBe('downloaded');
    expect(readFileSync(request.destination).equals(content)).toBe(true);
    expect(server.requests.map((entry) => entry.range)).toEqual([undefined, 'bytes=50000-', 'bytes=100000-']);
  });

  it('keeps the part and gives up when a server brings nothing more', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      const from = request.headers.range === undefined ? 50_000 : 0;
      response.write(content.subarray(0, from), () => setImmediate(() => response.destroy()));
    });
    const request = requestTo(server.url);
    const error = await refusal(request);
    expect(error.kind).toBe('environment');
    expect(error.hint).toContain('Put file.bin there yourself.');
    expect(existsSync(request.destination)).toBe(false);
    expect(existsSync(`${request.destination}.part`)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  it('refuses other content, names both sums and keeps nothing', async () => {
    const server = await serve((request, response) => {
      sendWithRanges(request, response, Buffer.from('<html>a login page</html>'));
    });
    const request = requestTo(server.url);
    const error = await refusal(request);
    expect(error.kind).toBe('input');
    expect(error.message).toContain(sha256);
    expect(readdirSync(join(request.destination, '..'))).toEqual([]);
  });

  it('says what a refusal means', async () => {
    const server = await serve((_, response) => response.writeHead(404).end('no'));
    const error = await refusal(requestTo(server.url));
    expect([error.kind, error.message]).toEqual(['environment', expect.stringMatching(/status 404 \(not there\)/)]);
  });

  it('says that there is no network and what to do by hand', async () => {
    const error = await refusal(requestTo(await deadUrl()));
    expect(error.kind).toBe('environment');
    expect(error.message).toMatch(/cannot download .*ECONNREFUSED.*is there a network\?/);
    expect(error.hint).toBe('Put file.bin there yourself.');
  });

  it('gives up a connection that says nothing', async () => {
    const server = await serve(() => undefined);
    const error = await refusal(requestTo(server.url, { idleTimeoutMs: 50 }));
    expect(error.message).toMatch(/nothing was received for 0\.05 s/);
  });

  it('stops with the reason of the signal and keeps the part', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    });
    const controller = new AbortController();
    const request = requestTo(server.url, {
      signal: controller.signal,
      onProgress: ({ receivedBytes }) => {
        if (receivedBytes > 0) controller.abort(new Error('enough'));
      },
    });
    await expect(download(request)).rejects.toThrow('enough');
    expect(statSync(`${request.destination}.part`).size).toBeGreaterThan(0);
  });

  it('says when the place cannot be written', async () => {
    const file = join(scratch, 'not-a-folder');
    writeFileSync(file, '');
    const error = await refusal(requestTo(await deadUrl(), { destination: join(file, 'x', 'file.bin') }));
    expect(error.kind).toBe('output');
  });

  it("knows git's hash of a file", async () => {
    const file = join(scratch, 'hello');
    writeFileSync(file, 'hello\n');
    expect(await checksumOf(file, 'git-blob')).toBe('ce013625030ba8dba906f756967f9e9ca394464a'); // git hash-object
  });
});

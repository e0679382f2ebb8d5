/** A small HTTP server on 127.0.0.1 that misbehaves on request. Not a test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  readonly url: string;
  /** Every request so far: method, path and Range header. */
  readonly requests: { path: string; range: string | undefined; authorization: string | undefined }[];
  close(): Promise<void>;
}

export async function startServer(handle: (request: IncomingMessage, response: ServerResponse, url: URL) => void): Promise<TestServer> {
  const requests: TestServer['requests'] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://127.0.0.1');
    requests.push({ path: url.pathname, range: request.headers.range, authorization: request.headers.authorization });
    handle(request, response, url);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => {
          closed();
        });
        server.closeAllConnections();
      }),
  };
}

/** Sends content, or the part of it that was asked for. */
export function sendWithRanges(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { 'content-length': content.length, etag: '"x"' }).end(content);
    return;
  }
  const start = Number(range[1]);
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const end = range[2] === '' ? content.length - 1 : Number(range[2]);
  const part = content.subarray(start, end + 1);
  response
    .writeHead(206, { 'content-length': part.length, 'content-range': `bytes ${start}-${end}/${content.length}`, etag: '"x"' })
    .end(part);
}

/** An address that refuses connections: a port that was free a moment ago. */
export async function deadUrl(): Promise<string> {
  const server = await startServer((_, response) => response.end());
  await server.close();
  return server.url;
}

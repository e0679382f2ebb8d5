/** A busy machine for tests of what must not depend on that. Holds no test. */
import { spawn } from 'node:child_process';

/**
 * What `work` resolves to, done beside `count` processes that do nothing but compute; they end with it. Each is a session of its own, as a system may share
 * its cores out by sessions first.
 */
export async function besideBusyLoops<T>(count: number, work: () => Promise<T>): Promise<T> {
  const loops = Array.from({ length: count }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore', detached: true }));
  try {
    return await work();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}

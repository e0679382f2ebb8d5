/** A conversation in lines on standard input and error, with a terminal or a pipe: standard output is kept for the result. Decides nothing about what is said. */
import { createInterface } from 'node:readline';
import { listenForInterrupt } from '../pipeline/interrupt.js';
import type { Conversation } from '../pipeline/label.js';
import { coloursOf } from './colours.js';
import { resumeCommand } from './command.js';

/** Runs work that asks and is answered. Ctrl-C ends it with an `interrupted` error, the end of the input does not. */
export async function converse<T>(work: (conversation: Conversation) => Promise<T>): Promise<T> {
  const interrupt = listenForInterrupt(resumeCommand(process.argv.slice(2)));
  const { stdin, stderr } = process;
  const terminal = stdin.isTTY && stderr.isTTY;
  let ask = (): void => undefined;
  let close = (): void => undefined;
  try {
    const result = await work({
      colours: coloursOf(stderr),
      show: (text) => {
        if (text !== '') stderr.write(`${text}\n`);
        ask();
      },
      async *lines() {
        const reader = createInterface({ input: stdin, output: stderr, terminal, prompt: '> ' });
        close = () => {
          reader.close();
        };
        interrupt.signal.addEventListener('abort', close);
        // A terminal in raw mode hands Ctrl-C to the reader, and sends no signal.
        reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
        if (terminal) {
          ask = () => {
            reader.prompt();
          };
          ask();
        }
        yield* reader;
      },
    });
    interrupt.signal.throwIfAborted();
    return result;
  } finally {
    close();
    interrupt.release();
  }
}

/** Where things that come with the package are. The compiled file stands in `dist/pipeline/`, the source in `src/pipeline/`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The config that `run` uses when it is given none. */
export function bundledConfig(): string {
  return fileURLToPath(new URL('../../faultline.yaml', import.meta.url));
}

/** faultline's version, recorded with every experiment. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

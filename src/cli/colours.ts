/** Colours for what a command prints: on a terminal only, whatever else the environment says of itself (`CI`). */
import pc from 'picocolors';

/** The colours of a stream; plain text where it is not a terminal or `NO_COLOR` is set. */
export function coloursOf(stream: { readonly isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  return pc.createColors(stream.isTTY === true && process.env['NO_COLOR'] === undefined);
}

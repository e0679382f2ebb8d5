/** Loaded into a command by scale-command.mjs: leaves what the process used, in the file that USAGE_FILE names, when it ends. */
import fs from 'node:fs';

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  fs.writeFileSync(
    String(process.env['USAGE_FILE']),
    JSON.stringify({ peakBytes: maxRSS * 1024, cpu: (userCPUTime + systemCPUTime) / 1e6 }),
  );
});

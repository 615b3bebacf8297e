import { once } from 'node:events';
import type { Command } from 'commander';
import { type CommonOptions, connect, newCommand } from './common.ts';

export function noticesCommand(): Command {
  return newCommand('notices', 'what parents and schools are to be told, as JSON lines; each has the cursor behind it')
    .option('--from <cursor>', 'goes on behind this cursor; now: only what is new (from the beginning)')
    .option('--follow', 'goes on with what comes')
    .action(async (options: CommonOptions & { from?: string; follow?: boolean }) => {
      const query = new URLSearchParams({ follow: String(options.follow === true) });
      if (options.from !== undefined) query.set('from', options.from);
      for await (const { event, data } of connect(options).events(`/admin/v1/notices?${query.toString()}`)) {
        if (event !== 'notice') continue;
        // A reader of ours that is slow makes us slow, and the service waits for us.
        if (!process.stdout.write(`${JSON.stringify(data)}\n`)) await once(process.stdout, 'drain');
      }
    });
}

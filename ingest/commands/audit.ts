import type { Command } from 'commander';
import type { AuditEntry } from '../admin/routes-audit.ts';
import { type CommonOptions, connect, newCommand, print, readId } from './common.ts';

export function auditCommand(): Command {
  return newCommand('audit', 'who did what, the newest first')
    .option('--limit <n>', 'how many entries (100)', readId)
    .option('--before <n>', 'only entries older than this one', readId)
    .action(async (options: CommonOptions & { limit?: number; before?: number }) => {
      const { limit, before } = options;
      const query = Object.entries({ limit, before })
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${value}`);
      const path = `/admin/v1/audit?${query.join('&')}`;
      const { entries } = await connect(options).call<{ entries: AuditEntry[] }>('GET', path);
      print(options, { entries }, entries.map(describe));
    });
}

function describe({ audit, at, who, role, command, request, ok, outcome }: AuditEntry): string {
  const how = ok === null ? 'not ended' : ok ? 'done' : `refused ${JSON.stringify(outcome)}`;
  return `${audit}\t${at}\t${who} (${role})\t${command} ${JSON.stringify(request)}\t${how}`;
}

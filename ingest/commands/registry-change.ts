import { owner } from '../admin/access.ts';
import { audited, type DeedOutcome, notesIn } from '../admin/audit-trail.ts';
import { AdminClient } from '../admin-client.ts';
import { DataDirectory } from '../data-directory.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { type CommonOptions, snakeCased } from './common.ts';

export interface RegistryDeed {
  /** Its name in the audit: that of the route. */
  readonly command: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The same on the registry itself. */
  readonly work: (registry: Registry) => Promise<unknown>;
}

/**
 * Changes the registry: through the service, if one runs, so that the change is in force when this resolves; otherwise
 * directly. Both are audited, and answer the same, with fields in snake_case.
 */
export async function changeRegistry<T>(options: CommonOptions, deed: RegistryDeed): Promise<T> {
  const { command, path, body, work } = deed;
  const data = DataDirectory.openExisting(options.data);
  const admin = AdminClient.find(data);
  if (admin !== undefined) return await admin.call<T>('POST', path, body);
  const registry = await openRegistry(data.path);
  try {
    return (await auditedHere(registry, command, body, async () => snakeCased(await work(registry)))) as T;
  } finally {
    await registry.close();
  }
}

/** Does what the owner of the data directory asks for on the registry itself, and keeps it in the audit. */
export async function auditedHere<T>(
  registry: Registry,
  command: string,
  request: unknown,
  work: () => Promise<T>,
  outcomeOf?: (result: T) => DeedOutcome,
): Promise<T> {
  const onError = (error: unknown) => {
    throw error;
  };
  const trail = { notes: notesIn(registry), now: Date.now, onError };
  return await audited(trail, { caller: owner, command, request }, work, outcomeOf);
}

import type { Logger } from 'pino';
import { serveAdmin } from './admin/server.ts';
import type { Config } from './config.ts';
import type { ServiceAddress } from './data-directory.ts';
import { Metrics } from './metrics.ts';
import { serveOperation } from './operation.ts';
import { openParts } from './parts.ts';
import { Service } from './service.ts';

export interface Started {
  readonly service: Service;
  readonly address: ServiceAddress;
}

/**
 * The composition root. Opens the parts (recovery), adds the routes, listens; when it resolves, readers are served. If a
 * step fails, those before it are undone, and its OperatorError is thrown. `service.stop()` drains.
 */
export async function startService(config: Config, log: Logger, dataPath: string): Promise<Started> {
  const undo: (() => unknown)[] = [];
  try {
    const parts = await openParts(config, log, dataPath, undo);
    const service = new Service(parts);
    serveAdmin(service.gateway.app, service, parts.data.secret('admin.token'));
    serveOperation(service.gateway.app, service, new Metrics(service));
    return { service, address: await service.listen(undo) };
  } catch (error) {
    for (const step of undo.reverse())
      await Promise.resolve(step()).catch((failure: unknown) => log.error({ err: failure }, 'not undone'));
    throw error;
  }
}

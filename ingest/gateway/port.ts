import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { OperatorError } from '../../workers/errors.ts';

const probeTimeoutMs = 1_000;

/**
 * The port to listen on: the one that is wanted, if nobody answers there, or a free one for 0. Throws PORT_TAKEN.
 *
 * µSockets shares a port with another process without a word, unless told to have it alone, and then it cannot have it for
 * a minute after a predecessor was killed with open connections. So it shares, and we look first. A port that the kernel
 * chose for µSockets itself is barred in the same way: so that choice is ours, too.
 */
export async function choosePort(host: string, wanted: number): Promise<number> {
  if (wanted === 0) return await freePort(host);
  if (await isAnswered(host, wanted)) throw portTaken(host, wanted);
  return wanted;
}

export function portTaken(host: string, port: number): OperatorError {
  const remedy = 'End the program that uses it, or choose another with --port or --host.';
  return new OperatorError('PORT_TAKEN', `cannot listen on ${host}:${port}`, remedy);
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  try {
    await once(server.listen({ host, port: 0 }), 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    throw portTaken(host, 0);
  } finally {
    server.close();
  }
}

async function isAnswered(host: string, port: number): Promise<boolean> {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const socket = connect({ host: local, port, timeout: probeTimeoutMs });
  try {
    await Promise.race([once(socket, 'connect'), once(socket, 'timeout')]);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

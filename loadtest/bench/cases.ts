import type { BenchReader } from './bench-reader.ts';
import { BenchConnection } from './bench-connection.ts';
import { HttpConnection } from './http-connection.ts';
import { AutocannonLoad } from './http-load.ts';
import { HttpReader } from './http-reader.ts';
import { ConnectionsLoad, type Load } from './load.ts';

export const caseNames = [
  'one_tap',
  'one_tap_pipelined',
  'fifty_taps',
  'fifty_taps_pipelined',
  'http_one_tap',
] as const;
export type CaseName = (typeof caseNames)[number];
/** What a quick run has time for. */
export const quickCaseNames: readonly CaseName[] = ['one_tap', 'fifty_taps', 'http_one_tap'];

interface Case {
  readonly title: string;
  readonly tapsPerFrame: number;
  /** Frames that a connection has unanswered at saturation. */
  readonly framesInFlight: number;
  readonly isHttp: boolean;
}

export const cases: Readonly<Record<CaseName, Case>> = {
  one_tap: { title: 'one tap a frame', tapsPerFrame: 1, framesInFlight: 1, isHttp: false },
  one_tap_pipelined: { title: 'one tap, 16 frames in flight', tapsPerFrame: 1, framesInFlight: 16, isHttp: false },
  fifty_taps: { title: 'fifty taps a frame', tapsPerFrame: 50, framesInFlight: 1, isHttp: false },
  fifty_taps_pipelined: {
    title: 'fifty taps, 16 frames in flight',
    tapsPerFrame: 50,
    framesInFlight: 16,
    isHttp: false,
  },
  http_one_tap: { title: 'HTTP, one tap a request', tapsPerFrame: 1, framesInFlight: 1, isHttp: true },
};

/** Which server a load is for, and by whom it is sent. */
export interface Target {
  readonly url: URL;
  readonly isEcho: boolean;
  readonly readers: readonly BenchReader[];
  readonly warmMs: number;
}

/** The load of a case: it saturates, or (with a rate) keeps time. */
export async function openLoad(name: CaseName, target: Target, framesPerSecond?: number): Promise<Load> {
  if (!cases[name].isHttp) return openSockets(target, name, framesPerSecond);
  const { url, isEcho, readers, warmMs } = target;
  const httpReaders: HttpReader[] = [];
  for (const reader of readers) httpReaders.push(await HttpReader.open(reader, url, isEcho));
  if (framesPerSecond === undefined) return new AutocannonLoad(httpReaders, url);
  const make = (tally: Load['tally']) => httpReaders.map((reader) => new HttpConnection(reader, url, tally));
  return ConnectionsLoad.open(make, warmMs, framesPerSecond);
}

/** Readers over WebSocket, welcomed, who do nothing until they are started. */
export function openSockets(target: Target, name: CaseName, framesPerSecond?: number): Promise<ConnectionsLoad> {
  const { isEcho, readers, warmMs } = target;
  const { tapsPerFrame, framesInFlight } = cases[name];
  const url = new URL('/v1/stream', target.url);
  return ConnectionsLoad.open(
    (tally) =>
      readers.map((reader) => new BenchConnection({ url, reader, tapsPerFrame, framesInFlight, isEcho }, tally)),
    warmMs,
    framesPerSecond,
  );
}

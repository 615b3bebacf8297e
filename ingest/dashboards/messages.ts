import type { Cell } from '../../analytics/queries/columns.ts';

/** What the thread is begun with. */
export interface DashboardsData {
  readonly dataDirectory: string;
  readonly host: string;
  readonly port: number;
  /** Whether another port will do where this one is taken. */
  readonly mayMove: boolean;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly clickhouseUrl: string;
  /** One float64: the service's clock, ms since 1970 UTC. */
  readonly clockMs: SharedArrayBuffer;
  /** Hex: whoever has it is admin. */
  readonly ownerToken: string;
}

/** What only the service's own thread knows. */
export interface ServiceQuestion {
  readonly query: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly schools: readonly number[];
}

/** Errors lose their class between threads. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exitStatus: 1 | 2 | 3;
}

export interface AnsweredRequest {
  readonly query: string;
  readonly status: number;
  readonly ms: number;
}

export type ToDashboards =
  | { readonly type: 'url'; readonly clickhouseUrl: string }
  /** A part of an answer; then `answered`, when it is whole. */
  | { readonly type: 'rows'; readonly id: number; readonly rows: readonly (readonly Cell[])[] }
  | { readonly type: 'answered'; readonly id: number }
  | { readonly type: 'refusal'; readonly id: number; readonly error: ToldError }
  | { readonly type: 'stop' };

export type FromDashboards =
  | { readonly type: 'listening'; readonly port: number; readonly isMoved: boolean }
  | { readonly type: 'refused'; readonly error: ToldError }
  | { readonly type: 'ask'; readonly id: number; readonly question: ServiceQuestion }
  | { readonly type: 'requests'; readonly requests: readonly AnsweredRequest[] }
  | { readonly type: 'failure'; readonly message: string; readonly stack: string };

import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { AnswerDesk } from '../answer/desk.ts';
import type { Caller, RegistryView } from '../types.ts';

/** Users, as the registry has them at this moment. */
export interface People {
  /** Undefined for a wrong name or password, after about the same time. Throws LOGIN_BUSY. */
  signIn(name: string, password: string): Promise<{ readonly secret: string; readonly caller: Caller } | undefined>;
  signOut(secret: string): Promise<void>;
  bySession(secret: string): Promise<Caller | undefined>;
  byToken(token: string): Promise<Caller | undefined>;
}

/** A look at pupils, for the audit. */
export interface PupilView {
  readonly query: string;
  /** Null for a list of pupils. */
  readonly pupilId: number | null;
  readonly reason: string | null;
  readonly parameters: Readonly<Record<string, string | number>>;
}

export interface HttpParts {
  readonly desk: AnswerDesk;
  readonly registry: RegistryView;
  readonly client: () => ClickHouseClient;
  readonly people: People;
  /** Writes who looks, then does it: what cannot be written is not done. */
  readonly audited: <T>(caller: Caller, view: PupilView, work: () => Promise<T>) => Promise<T>;
  /** Told of a defect. */
  readonly onError: (error: unknown) => void;
  /** Told of each question: its name, the status and the time it took. */
  readonly onAnswered: (query: string, status: number, ms: number) => void;
  /** Whether browsers come over TLS. */
  readonly isSecure: boolean;
}

import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { People, PupilView } from '../../dashboards/server/http/parts.ts';
import type { Caller } from '../../dashboards/server/types.ts';
import { notesIn } from '../admin/audit-trail.ts';
import { environmentError } from '../../workers/errors.ts';
import { endSession, findSession, findUserByToken, signIn, touchSession } from '../registry/sessions.ts';
import type { Registry } from '../registry/store.ts';
import { listLookMs, listLooksMax } from './limits.ts';

/** Whoever may read the data directory's own token. */
const owner: Caller = { name: 'owner', role: 'admin', districtId: null, schoolId: null, classId: null };

export interface PeopleParts {
  /** Two connections: reading never waits for a change that waits. */
  readonly reader: Registry;
  readonly writer: Registry;
  readonly ownerToken: Buffer;
  readonly onError: (error: unknown) => void;
}

/** Users, sessions and tokens of the registry, for the server. Sessions age by the machine's clock. */
export function peopleOf({ reader, writer, ownerToken, onError }: PeopleParts): People {
  return {
    signIn: async (name, password) => {
      const session = await signIn({ reader, writer }, { name, password }, Date.now());
      return session && { secret: session.secret, caller: session.user };
    },
    signOut: (secret) => endSession(writer, secret),
    bySession: async (secret) => {
      const session = await findSession(reader, secret, Date.now());
      if (session?.isTouchDue === true) void touchSession(writer, secret, Date.now()).catch(onError);
      return session?.user;
    },
    byToken: async (token) => {
      if (!/^[0-9a-f]{64}$/.test(token)) return undefined;
      const given = Buffer.from(token, 'hex');
      if (given.length === ownerToken.length && timingSafeEqual(given, ownerToken)) return owner;
      return await findUserByToken(reader, token);
    },
  };
}

/**
 * Writes who looks at pupils before it is done, and how it ended. What cannot be written is not done. A page asks for its
 * list again and again: looks of one person at one list are one entry for some time, by the machine's clock; looks at one
 * pupil never are.
 */
export function auditOf(writer: Registry, now: () => number, onError: (error: unknown) => void) {
  const notes = notesIn(writer);
  const age = { ttl: listLookMs, ttlResolution: 0, perf: { now: () => Date.now() } };
  const lists = new LRUCache<string, true>({ max: listLooksMax, ...age });
  return async <T>(caller: Caller, view: PupilView, work: () => Promise<T>): Promise<T> => {
    const { query, pupilId, reason, parameters } = view;
    const { name: who, role } = caller;
    const list = pupilId === null ? JSON.stringify([caller, query, parameters, reason]) : undefined;
    if (list !== undefined && lists.has(list)) return await work();
    const request = { pupil: pupilId, reason, parameters };
    const auditId = await notes.begin({ atMs: now(), who, role, command: `view ${query}`, request });
    const end = (ok: boolean, outcome: unknown) => notes.end(auditId, { atMs: now(), ok, outcome }).catch(onError);
    try {
      const result = await work();
      await end(true, null);
      if (list !== undefined) lists.set(list, true);
      return result;
    } catch (error) {
      await end(false, { refusal: environmentError(error)?.code ?? 'INTERNAL' });
      throw error;
    }
  };
}

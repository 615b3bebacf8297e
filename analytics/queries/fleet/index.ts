import type { NamedQuery } from '../define.ts';

export const fleetQueries: readonly NamedQuery[] = [];

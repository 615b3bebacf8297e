import type { NamedQuery } from '../define.ts';

export const pupilQueries: readonly NamedQuery[] = [];

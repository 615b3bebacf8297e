import type { NamedQuery } from '../define.ts';

export const trustQueries: readonly NamedQuery[] = [];

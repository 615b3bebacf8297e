import type { NamedQuery } from '../define.ts';

export const moneyQueries: readonly NamedQuery[] = [];

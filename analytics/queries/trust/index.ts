import type { NamedQuery } from '../define.ts';
import { aggregateChanges } from './aggregate-changes.ts';
import { reconcile } from './reconcile.ts';

export const trustQueries: readonly NamedQuery[] = [aggregateChanges, reconcile];

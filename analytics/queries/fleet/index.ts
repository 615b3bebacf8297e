import type { NamedQuery } from '../define.ts';
import { coverage } from './coverage.ts';
import { fleetHealth } from './fleet-health.ts';
import { gateFlow } from './gate-flow.ts';
import { lateArrivals } from './late-arrivals.ts';
import { readerTimeline } from './reader-timeline.ts';
import { tapRate } from './tap-rate.ts';

export const fleetQueries: readonly NamedQuery[] = [
  coverage,
  fleetHealth,
  readerTimeline,
  lateArrivals,
  tapRate,
  gateFlow,
];

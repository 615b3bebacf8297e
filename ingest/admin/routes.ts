import type { Route } from './route.ts';
import { accountRoutes } from './routes-account.ts';
import { auditRoutes } from './routes-audit.ts';
import { dayCloseRoutes } from './routes-day-close.ts';
import { explainRoutes } from './routes-explain.ts';
import { limitRoutes } from './routes-limit.ts';
import { liveRoutes } from './routes-live.ts';
import { lockerRoutes } from './routes-locker.ts';
import { lookRoutes } from './routes-look.ts';
import { moneyRoutes } from './routes-money.ts';
import { noticeRoutes } from './routes-notices.ts';
import { readerRoutes } from './routes-readers.ts';
import { registryRoutes } from './routes-registry.ts';
import { topupRoutes } from './routes-topup.ts';

/** The whole table. */
export const adminRoutes: readonly Route[] = [
  ...lookRoutes,
  ...readerRoutes,
  ...accountRoutes,
  ...explainRoutes,
  ...topupRoutes,
  ...moneyRoutes,
  ...limitRoutes,
  ...lockerRoutes,
  ...registryRoutes,
  ...dayCloseRoutes,
  ...liveRoutes,
  ...noticeRoutes,
  ...auditRoutes,
];

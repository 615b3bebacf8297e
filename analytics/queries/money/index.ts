import type { NamedQuery } from '../define.ts';
import { entitlementDaily } from './entitlement-daily.ts';
import { entitlementUse } from './entitlement-use.ts';
import { portionForecast } from './portion-forecast.ts';
import { refusals } from './refusals.ts';
import { schoolSpend } from './school-spend.ts';
import { spendDaily } from './spend-daily.ts';
import { topItems } from './top-items.ts';

export const moneyQueries: readonly NamedQuery[] = [
  spendDaily,
  topItems,
  entitlementUse,
  refusals,
  portionForecast,
  schoolSpend,
  entitlementDaily,
];

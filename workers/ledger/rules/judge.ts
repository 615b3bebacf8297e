import { Kind } from '../kinds.ts';
import type { TapCase } from '../tap-case.ts';
import { activeHolder, bounce, byHand, hours, knownCard, usableCard } from './card-rules.ts';
import { debt, transfer } from './fare-rules.ts';
import { foreignSchool, gate } from './gate-rules.ts';
import { reservation } from './locker-rules.ts';
import { closedDay, entitlement, forbiddenItem, listPrice, mealWindow } from './meal-rules.ts';
import { dailyLimit, funds, pricing, sale } from './payment.ts';
import type { Rule, RuleContext } from './rule.ts';

const common: readonly Rule[] = [knownCard, pricing, usableCard, activeHolder, bounce];
const gateRules: readonly Rule[] = [...common, byHand, foreignSchool, hours, gate];
const saleRules: readonly Rule[] = [...common, hours, listPrice, forbiddenItem, closedDay];
const lockerRules: readonly Rule[] = [...common, byHand, hours, reservation];

/** The rules of each kind, in the order in which they speak (`RULES.md`). */
const rulesOfKind: (readonly Rule[])[] = [];
rulesOfKind[Kind.gateIn] = gateRules;
rulesOfKind[Kind.gateOut] = gateRules;
rulesOfKind[Kind.meal] = [...saleRules, mealWindow, entitlement, funds, dailyLimit, sale];
rulesOfKind[Kind.buffet] = [...saleRules, funds, dailyLimit, sale];
rulesOfKind[Kind.lockerOpen] = lockerRules;
rulesOfKind[Kind.lockerClose] = lockerRules;
rulesOfKind[Kind.fare] = [...common, hours, debt, transfer, funds, dailyLimit, sale];

/** The code that the rules give a tap, in their order; they do not look at what the reader has already done. */
export function judge(tap: TapCase, context: RuleContext): number {
  const rules = rulesOfKind[tap.kind];
  for (let index = 0; index < rules.length; index++) {
    const code = rules[index].judge(tap, context);
    if (code !== 0) return code;
  }
  throw new Error(`no rule speaks for kind ${tap.kind}`);
}

/** One rule's part in a decision: what it looked at and what it said, 0 for nothing. */
export interface RuleVerdict {
  readonly rule: string;
  readonly input: Record<string, unknown>;
  readonly verdict: number;
}

/** The same judgement, told rule by rule. */
export function traceJudgement(tap: TapCase, context: RuleContext): RuleVerdict[] {
  const verdicts: RuleVerdict[] = [];
  for (const { name, look, judge: judgeOne } of rulesOfKind[tap.kind]) {
    const input = look(tap, context);
    const verdict = judgeOne(tap, context);
    verdicts.push({ rule: name, input, verdict });
    if (verdict !== 0) break;
  }
  return verdicts;
}

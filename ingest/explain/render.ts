import { decisionCodes } from '../../workers/ledger/codes.ts';
import type { Explained } from './explain-taps.ts';

/** Lines for people: what came in, what was decided and why, what moved, where it lies. */
export function renderTap(tap: Explained): string[] {
  const { reader, boot_epoch: epoch, seq } = tap.tap;
  const { decision, journal } = tap;
  const flags = decision.flags.length > 0 ? `, ${decision.flags.join(' ')}` : '';
  return [
    `tap ${reader}:${epoch}:${seq}: ${decision.code} ${decision.name} (${decision.meaning})${flags}`,
    ...section('input', tap.input),
    ...section('time', tap.time),
    ...section('reader', tap.reader ?? 'the registry does not know it'),
    ...section('card', tap.card ?? 'not known'),
    ...section('holder', tap.holder ?? 'not known'),
    ...section('decision', decision),
    `rules, version ${decision.rules_version}:`,
    ...ruleTable(tap),
    tap.agrees
      ? 'judged again: the same code'
      : `judged again: ${tap.derived_code}. THIS IS A DEFECT: please report it`,
    ...section('balances', tap.balances_kop ?? 'none'),
    ...list('moved', tap.transfers),
    ...list('later', tap.later),
    ...list(
      'other taps with its identity',
      tap.conflicts.map(({ input, journal: at }) => ({ ...input, position: at.position })),
    ),
    `journal: shard ${journal.shard}, position ${journal.position}, block ${journal.block}, written ${journal.written}`,
    `ClickHouse: ${tap.stored === null ? 'unknown' : tap.stored ? 'has it' : 'does not have it'}${because(tap)}`,
  ];
}

function because({ stored_reason: reason }: Explained): string {
  return reason === null ? '' : ` (${reason})`;
}

function section(name: string, value: object | string): string[] {
  return [`${name}: ${textOf(value)}`];
}

function list(name: string, values: readonly object[]): string[] {
  if (values.length === 0) return [];
  return [`${name}:`, ...values.map((value) => `  ${textOf(value)}`)];
}

/** Rule, verdict and what it looked at, in columns. */
function ruleTable({ rules }: Explained): string[] {
  const width = Math.max(...rules.map(({ rule }) => rule.length));
  return rules.map(({ rule, verdict, input }) => {
    const name = decisionCodes.find(({ code }) => code === verdict)?.name;
    const said = name === undefined ? '–' : `${verdict} ${name}`;
    return `  ${rule.padEnd(width)}  ${said.padEnd(22)}  ${textOf(input)}`;
  });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => bracketed(one)).join(' ');
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, inner]) => `${key} ${bracketed(inner)}`)
    .join(', ');
}

function bracketed(value: unknown): string {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? `(${textOf(value)})` : textOf(value);
}

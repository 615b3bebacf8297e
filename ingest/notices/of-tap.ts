import { TapOffset, type TapRecords } from '../../workers/journal/tap-record.ts';
import { Code, decisionCodes, wentThrough } from '../../workers/ledger/codes.ts';
import { Kind, kindNames, NoticeKind, TapFlag } from '../../workers/ledger/kinds.ts';
import { isoTime, purseName } from '../admin/fields.ts';
import { dateOf, flagNames } from '../explain/names.ts';
import type { DeedType, Derived } from './notice.ts';

/** What a tap of each kind is to people, if it went through. */
export const deedOf: Readonly<Record<number, DeedType>> = {
  [Kind.gateIn]: 'entry',
  [Kind.gateOut]: 'exit',
  [Kind.meal]: 'meal',
  [Kind.buffet]: 'purchase',
  [Kind.lockerOpen]: 'locker',
  [Kind.lockerClose]: 'locker',
  [Kind.fare]: 'ride',
};

/** What a decided tap is to parents and school; undefined if nothing. */
export function noticeOfTap(records: TapRecords, row: number, shard: number): Derived | undefined {
  const told = records.getU8(row, TapOffset.notice);
  const isTold = told === NoticeKind.news || told === NoticeKind.correction;
  const isAlert = isAlarming(records, row);
  if (!isTold && !isAlert) return undefined;
  const position = records.getI64(row, TapOffset.position);
  const flags = records.getU16(row, TapOffset.flags);
  return {
    id: `${shard}:${position}`,
    shard,
    position,
    ...typeOf(records, row),
    // An alarm is the school's even where parents know of the passage already.
    audience: [...(isTold ? (['parent'] as const) : []), ...(isAlert ? (['school'] as const) : [])],
    ...(isAlert && { alert: true }),
    ...whoAndWhere(records, row),
    at: isoTime(records.getI64(row, TapOffset.at)),
    received_at: isoTime(records.getI64(row, TapOffset.receivedAt)),
    school_day: dateOf(records.getU16(row, TapOffset.schoolDay)),
    ...decided(records.getU8(row, TapOffset.kind), records.getU8(row, TapOffset.code)),
    flags: flagNames(flags),
    ...((flags & TapFlag.late) !== 0 && { late: true }),
    ...money(records, row),
  };
}

/** A blocked card, somebody who goes out without a good card, a card at two places: the school wants to look. */
function isAlarming(records: TapRecords, row: number): boolean {
  const code = records.getU8(row, TapOffset.code);
  if (code === Code.cardBlocked || (records.getU16(row, TapOffset.flags) & TapFlag.wrongPlace) !== 0) return true;
  const isOut = records.getU8(row, TapOffset.kind) === Kind.gateOut;
  return isOut && code >= Code.cardUnknown && code <= Code.holderInactive;
}

function typeOf(records: TapRecords, row: number): Pick<Derived, 'type' | 'corrects'> {
  const kind = records.getU8(row, TapOffset.kind);
  const isThrough = wentThrough(kind, records.getU8(row, TapOffset.code), records.getU8(row, TapOffset.readerFlags));
  const type = isThrough ? deedOf[kind] : 'refused';
  if (records.getU8(row, TapOffset.notice) !== NoticeKind.correction) return { type };
  return { type: 'correction', corrects: { type, school_day: dateOf(records.getU16(row, TapOffset.schoolDay)) } };
}

function whoAndWhere(records: TapRecords, row: number): Partial<Derived> {
  const u32 = (offset: number) => records.getU32(row, offset);
  const ref = u32(TapOffset.ref);
  return {
    // A holder that the shard does not know is a guess of the gateway's.
    ...(u32(TapOffset.homeSchoolId) !== 0 && { pupil: u32(TapOffset.pupilId) }),
    school: u32(TapOffset.schoolId),
    reader: u32(TapOffset.readerId),
    tap: `${u32(TapOffset.readerId)}:${u32(TapOffset.bootEpoch)}:${u32(TapOffset.seq)}`,
    ...(ref !== 0 && { item: ref }),
  };
}

/** A free meal is told as a meal that was received: nothing in it says who paid. */
export function decided(kind: number, code: number): Pick<Derived, 'kind' | 'code' | 'code_name'> {
  const shown = code === Code.acceptedEntitled ? Code.accepted : code;
  return { kind: kindNames[kind - 1], code: shown, code_name: decisionCodes.find((one) => one.code === shown)?.name };
}

function money(records: TapRecords, row: number): Partial<Derived> {
  const purse = purseName(records.getU8(row, TapOffset.purse));
  if (purse === null) return {};
  const debitedKop = records.getI64(row, TapOffset.debitedKop);
  const balance_kop = records.getI64(row, TapOffset.balanceKop);
  return debitedKop === 0 ? { purse } : { purse, kop: -debitedKop, balance_kop };
}

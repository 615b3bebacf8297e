import {
  accountParts,
  Owner,
  TransferCause,
  TransferOffset,
  transferRecordBytes,
} from '../../workers/journal/transfer-record.ts';
import { TapOffset, tapRecordBytes } from '../../workers/journal/tap-record.ts';
import type { SchoolDay, Touched } from './types.ts';

const daysMax = 2 ** 16;

export function packKey({ schoolId, schoolDay }: SchoolDay): number {
  return schoolId * daysMax + schoolDay;
}

export function unpackKey(key: number): SchoolDay {
  return { schoolId: Math.floor(key / daysMax), schoolDay: key % daysMax };
}

export function nothingTouched(): Touched {
  return { byTaps: new Set(), byTransfers: new Set(), reversed: new Map() };
}

/** Kinds above this (buffet, lockers, fares) count by the transfers that they make. */
const countedKindMax = 3;
const bounce = 71;

/** Adds the school days of tap records. */
export function touchTaps(touched: Touched, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let last = -1;
  for (let start = 0; start < bytes.byteLength; start += tapRecordBytes) {
    if (bytes[start + TapOffset.kind] > countedKindMax || bytes[start + TapOffset.code] === bounce) continue;
    const schoolId = view.getUint32(start + TapOffset.schoolId, true);
    const key = packKey({ schoolId, schoolDay: view.getUint16(start + TapOffset.schoolDay, true) });
    if (key !== last) touched.byTaps.add(key);
    last = key;
  }
}

const counted: readonly number[] = [TransferCause.tap, TransferCause.reversal, TransferCause.outcome];

/** Adds the school days of transfer records that a sale made or took back. */
export function touchTransfers(touched: Touched, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < bytes.byteLength; start += transferRecordBytes) {
    const cause = bytes[start + TransferOffset.cause];
    if (!counted.includes(cause)) continue;
    const schoolId = view.getUint32(start + TransferOffset.schoolId, true);
    const key = packKey({ schoolId, schoolDay: view.getUint16(start + TransferOffset.schoolDay, true) });
    touched.byTransfers.add(key);
    if (cause === TransferCause.reversal) touchReversed(touched, key, view, start);
  }
}

function touchReversed(touched: Touched, key: number, view: DataView, start: number): void {
  const credited = accountParts(Number(view.getBigUint64(start + TransferOffset.creditAccount, true)));
  if (credited.owner !== Owner.entitlementFund) return;
  const ids = touched.reversed.get(key) ?? [];
  ids.push(Number(view.getBigUint64(start + TransferOffset.reverses, true)));
  touched.reversed.set(key, ids);
}

import type { CommandOutcome, Moved, Settled, TapFacts } from '../../workers/ledger/command-types.ts';
import { Code, wentThrough } from '../../workers/ledger/codes.ts';
import { Kind, NoticeKind, ReaderFlag } from '../../workers/ledger/kinds.ts';
import { isoTime, purseName } from '../admin/fields.ts';
import { dateOf } from '../explain/names.ts';
import type { Derived } from './notice.ts';
import { decided, deedOf } from './of-tap.ts';

/** Where in the journal a command's outcome stands, and when it was written, ms. */
export interface Place {
  readonly shard: number;
  readonly position: number;
  readonly writtenAtMs: number;
}

/** What a command changed of what was said; undefined if nothing. */
export function noticeOfCommand(outcome: CommandOutcome, place: Place): Derived | undefined {
  if (outcome.type === 'moved') return noticeOfMoved(outcome, place);
  if (outcome.type !== 'settled' || !isChange(outcome)) return undefined;
  const { tap, deed, transfer, at } = outcome;
  const type = deed ? 'refused' : deedOf[tap.kind];
  return {
    ...placed(place, at, tap.schoolDay),
    type: 'correction',
    deed,
    ...ofTap(tap),
    ...corrected(place.shard, tap, type),
    ...(transfer !== null && changed(outcome.purse, deed ? -transfer.kop : transfer.kop)),
  };
}

const types = { topup: 'topup', refund: 'refund', move: 'move', adjust: 'adjustment', reverse: 'correction' } as const;

function noticeOfMoved(moved: Moved, place: Place): Derived {
  const { command, tap, kop, purse, toPurse, balanceKop } = moved;
  const isGiving = command === 'refund' || command === 'move';
  const to = purseName(toPurse);
  return {
    ...placed(place, moved.at, moved.schoolDay),
    type: types[command],
    pupil: moved.pupilId,
    ...(tap !== undefined && { ...ofTap(tap), ...corrected(place.shard, tap, deedOf[tap.kind]) }),
    ...changed(purse, isGiving ? -kop : kop),
    ...(to !== null && { to_purse: to }),
    ...(purse !== 0 && { balance_kop: balanceKop }),
  };
}

function placed({ shard, position, writtenAtMs }: Place, at: number, schoolDay: number) {
  return {
    id: `${shard}:${position}`,
    shard,
    position,
    audience: ['parent' as const],
    at: isoTime(at),
    received_at: isoTime(writtenAtMs),
    school_day: dateOf(schoolDay),
  };
}

function ofTap(tap: TapFacts): Partial<Derived> {
  return {
    pupil: tap.pupilId,
    school: tap.schoolId,
    reader: tap.readerId,
    tap: identityOf(tap),
    ...decided(tap.kind, tap.code),
    ...(tap.ref !== 0 && { item: tap.ref }),
  };
}

function corrected(shard: number, tap: TapFacts, type: NonNullable<Derived['corrects']>['type']) {
  const { position, schoolDay, at, notice } = tap;
  // What was never told (a late refusal) cannot be corrected: then this is the first word of it.
  if (notice !== NoticeKind.news && notice !== NoticeKind.correction) return {};
  const id = `${shard}:${position}`;
  return { corrects: { type, school_day: dateOf(schoolDay), id, tap: identityOf(tap), at: isoTime(at) } };
}

const identityOf = ({ readerId, bootEpoch, seq }: TapFacts): string => `${readerId}:${bootEpoch}:${seq}`;

/** Nothing is said of the entitlement fund's money. */
function changed(purse: number, kop: number): Partial<Derived> {
  const name = purseName(purse);
  return name === null ? {} : { purse: name, kop };
}

/** An OUTCOME that moved or took back, or made or undid a passage; one that told what was said anyway is no news. */
function isChange({ tap, deed, transfer, purse }: Settled): boolean {
  const toldItself = (tap.readerFlags & (ReaderFlag.letThrough | ReaderFlag.refused)) !== 0;
  if (toldItself || tap.pupilId === 0) return false;
  const isOtherwise = deed !== wentThrough(tap.kind, tap.code, 0) && tap.code < Code.settledBefore;
  if (tap.kind <= Kind.gateOut) return isOtherwise;
  // What a fund, or nobody, paid is undone without a movement as well: then its price was 0.
  return isOtherwise && (transfer !== null || (deed ? purse !== 0 : tap.transfer === null));
}

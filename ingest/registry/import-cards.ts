import { nextCardId } from './card-commands.ts';
import { readCollisions } from './collisions.ts';
import { cardChange, type NewChange } from './feed.ts';
import { Fault, readExpires, readId, readStatus, readUid } from './fields.ts';
import type { ImportFile, LineOf, NumberedRow, RowWriter } from './import-file.ts';
import { addCollision, refuse, type FileReport } from './report.ts';
import type { CardRow } from './schema.ts';
import { prepareAppend, prepareUpsert, selectByIds, type RunAll } from './statements.ts';
import type { RegistryTransaction } from './store.ts';

type CardFileRow = Pick<CardRow, 'pupil_id' | 'status' | 'expires'> & { card_uid: string };

/** A UID may occur twice, for two pupils: that is a fact of the field, reported as a collision. */
export const cards: ImportFile<CardFileRow> = {
  file: 'cards.csv',
  columns: { card_uid: readUid, pupil_id: readId, status: readStatus, expires: readExpires },
  identity: (row) => cardKey(row.card_uid, row.pupil_id),
  identityColumn: 'card_uid',
  open: async (transaction, report, lineOf) =>
    new CardWriter(transaction, report, lineOf, await nextCardId(transaction)),
};

const cardColumns = ['card_id', 'district_id', 'uid', 'uid_bytes', 'pupil_id', 'status', 'expires'] as const;

class CardWriter implements RowWriter<CardFileRow> {
  private readonly transaction: RegistryTransaction;
  private readonly report: FileReport;
  private readonly append: (entries: readonly NewChange[]) => Promise<void>;
  private readonly upsert: RunAll;
  private nextId: number;
  /** By pupil, the line that gives the active card. */
  private readonly activeLines = new Map<number, number>();
  private readonly lineOf: LineOf;

  constructor(transaction: RegistryTransaction, report: FileReport, lineOf: LineOf, nextId: number) {
    this.transaction = transaction;
    this.report = report;
    this.lineOf = lineOf;
    this.append = prepareAppend(transaction);
    this.upsert = prepareUpsert(transaction, 'card', cardColumns, ['card_id']);
    this.nextId = nextId;
  }

  async write(rows: readonly NumberedRow<CardFileRow>[]): Promise<void> {
    const pupilIds = [...new Set(rows.map(({ row }) => row.pupil_id))];
    const districtIds = await this.readDistricts(pupilIds);
    const stored = await selectByIds<CardRow>(this.transaction, 'card', 'pupil_id', pupilIds);
    const cards = new Map(stored.map((card) => [cardKey(card.uid, card.pupil_id), card]));
    const changed: CardRow[] = [];
    for (const { line, row } of rows) {
      const districtId = districtIds.get(row.pupil_id);
      if (districtId === undefined) refuse(this.report, line, 'pupil_id', pupilUnknown);
      else if (this.claimActive(line, row)) {
        const card = this.compare(row, cards.get(cardKey(row.card_uid, row.pupil_id)), districtId);
        if (card !== null) changed.push(card);
      }
    }
    await this.upsert(changed.map((card) => cardColumns.map((column) => card[column])));
    await this.append(changed.map(cardChange));
  }

  async finish(): Promise<void> {
    await this.refuseSecondCards();
    for (const { uid, districtId, pupilIds } of await readCollisions(this.transaction)) {
      for (const pupilId of pupilIds) {
        const line = this.lineOf(cardKey(uid, pupilId));
        const reason = `pupils ${pupilIds.join(', ')} of district ${districtId} hold this UID; none of them can use it`;
        if (line !== undefined) addCollision(this.report, { line, uid, districtId, pupilIds, reason });
      }
    }
    this.report.collisions.sort((one, other) => one.line - other.line);
  }

  /** False for a second active card of a pupil within the file, which is refused. */
  private claimActive(line: number, { pupil_id: pupilId, status }: CardFileRow): boolean {
    if (status !== 'active') return true;
    const first = this.activeLines.get(pupilId);
    if (first === undefined) this.activeLines.set(pupilId, line);
    else refuse(this.report, line, 'status', new Fault('CARD_SECOND', `the pupil has an active card on line ${first}`));
    return first === undefined;
  }

  /** Answers the card as it has to be stored, or null when it is stored like this. */
  private compare(row: CardFileRow, before: CardRow | undefined, districtId: number): CardRow | null {
    if (before !== undefined && before.status === row.status && before.expires === row.expires) {
      this.report.unchanged++;
      return null;
    }
    if (before === undefined) this.report.added++;
    else this.report.changed++;
    return {
      card_id: before?.card_id ?? this.nextId++,
      district_id: districtId,
      uid: row.card_uid,
      uid_bytes: row.card_uid.length / 2,
      pupil_id: row.pupil_id,
      status: row.status,
      expires: row.expires,
    };
  }

  /** A pupil's stored card may be replaced by a later line, so this is known at the end only. */
  private async refuseSecondCards(): Promise<void> {
    const pupils = await this.transaction
      .selectFrom('card')
      .select('pupil_id')
      .where('status', '=', 'active')
      .groupBy('pupil_id')
      .having((build) => build.fn.countAll(), '>', 1)
      .execute();
    for (const { pupil_id: pupilId } of pupils) {
      const line = this.activeLines.get(pupilId);
      if (line !== undefined) refuse(this.report, line, 'status', secondCard);
    }
  }

  private async readDistricts(pupilIds: readonly number[]): Promise<Map<number, number>> {
    if (pupilIds.length === 0) return new Map();
    const rows = await this.transaction
      .selectFrom('pupil')
      .innerJoin('class', 'class.class_id', 'pupil.class_id')
      .innerJoin('school', 'school.school_id', 'class.school_id')
      .select(['pupil_id', 'district_id'])
      .where('pupil_id', 'in', pupilIds)
      .execute();
    return new Map(rows.map((row) => [row.pupil_id, row.district_id]));
  }
}

const pupilUnknown = new Fault('REFERENCE', 'no pupil with this id is stored');
const secondCard = new Fault(
  'CARD_SECOND',
  'the pupil has another active card that is stored; replace or block that first',
);

function cardKey(uid: string, pupilId: number): string {
  return `${uid}:${pupilId}`;
}

import { schoolDayChange } from './feed.ts';
import { dayOfDate, Fault, readCalendarKind, readDay, readId, readIdOrNone } from './fields.ts';
import type { ImportFile, NumberedRow, RowWriter } from './import-file.ts';
import { calendarLinesMax } from './limits.ts';
import { refuse, type FileReport } from './report.ts';
import type { CalendarKind, CalendarRow } from './schema.ts';
import { prepareAppend, prepareUpsert, selectByIds } from './statements.ts';
import type { RegistryTransaction } from './store.ts';

interface CalendarFileRow {
  district_id: number;
  school_id: number | null;
  from: string;
  to: string;
  kind: CalendarKind;
}

/** The lines of a district are its whole calendar: what the next file leaves out is no more. */
export const calendar: ImportFile<CalendarFileRow> = {
  file: 'calendar.csv',
  columns: { district_id: readId, school_id: readIdOrNone, from: readDay, to: readDay, kind: readCalendarKind },
  identity: (row) => JSON.stringify(row),
  identityColumn: 'kind',
  open: (transaction, report) => Promise.resolve(new CalendarWriter(transaction, report)),
};

const calendarColumns = ['district_id', 'place', 'school_id', 'from_day', 'to_day', 'kind'] as const;

class CalendarWriter implements RowWriter<CalendarFileRow> {
  private readonly transaction: RegistryTransaction;
  private readonly report: FileReport;
  private readonly byDistrict = new Map<number, CalendarRow[]>();

  constructor(transaction: RegistryTransaction, report: FileReport) {
    this.transaction = transaction;
    this.report = report;
  }

  async write(rows: readonly NumberedRow<CalendarFileRow>[]): Promise<void> {
    const districtIds = rows.map(({ row }) => row.district_id);
    const schoolIds = rows.flatMap(({ row }) => row.school_id ?? []);
    const districts = await this.districtsOf('district', districtIds);
    const schools = await this.districtsOf('school', schoolIds);
    for (const { line, row } of rows) {
      const { district_id: districtId, school_id: schoolId, from, to, kind } = row;
      const lines = this.byDistrict.get(districtId) ?? [];
      if (!districts.has(districtId)) refuse(this.report, line, 'district_id', districtUnknown);
      else if (schoolId !== null && schools.get(schoolId) !== districtId)
        refuse(this.report, line, 'school_id', schoolElsewhere);
      else if (to < from) refuse(this.report, line, 'to', endsBefore);
      else if (lines.length === calendarLinesMax) refuse(this.report, line, null, tooMany);
      else
        lines.push({
          district_id: districtId,
          place: lines.length,
          school_id: schoolId,
          from_day: from,
          to_day: to,
          kind,
        });
      this.byDistrict.set(districtId, lines);
    }
  }

  async finish(): Promise<void> {
    for (const [districtId, lines] of this.byDistrict) {
      if (this.report.refusedCount > 0) return;
      await this.replace(districtId, lines);
    }
  }

  private async replace(districtId: number, lines: readonly CalendarRow[]): Promise<void> {
    const ofDistrict = this.transaction.selectFrom('calendar').selectAll().where('district_id', '=', districtId);
    const stored = await ofDistrict.orderBy('place').execute();
    const isOther = (row: CalendarRow, place: number): boolean => !isSame(row, stored.at(place));
    const changed = lines.filter(isOther);
    this.report.unchanged += lines.length - changed.length;
    this.report.added += Math.max(0, lines.length - stored.length);
    // A line that is left out is a change as well.
    this.report.changed += changed.length - Math.max(0, lines.length - stored.length);
    const gone = stored.filter((row, place) => !isSame(row, lines[place]));
    this.report.changed += Math.max(0, stored.length - lines.length);
    if (changed.length + gone.length === 0) return;
    await this.transaction.deleteFrom('calendar').where('district_id', '=', districtId).execute();
    const insert = prepareUpsert(this.transaction, 'calendar', calendarColumns, ['district_id', 'place']);
    await insert(lines.map((row) => calendarColumns.map((column) => row[column])));
    await this.tell(districtId, [...changed, ...gone]);
  }

  private async tell(districtId: number, concerned: readonly CalendarRow[]): Promise<void> {
    const schools = this.transaction.selectFrom('school').select('school_id').where('district_id', '=', districtId);
    const schoolIds = (await schools.execute()).map((row) => row.school_id);
    if (schoolIds.length === 0) return;
    const from = concerned.reduce((min, row) => (row.from_day < min ? row.from_day : min), concerned[0].from_day);
    const to = concerned.reduce((max, row) => (row.to_day > max ? row.to_day : max), concerned[0].to_day);
    await prepareAppend(this.transaction)([schoolDayChange(schoolIds, [dayOfDate(from), dayOfDate(to)])]);
  }

  /** The district of each id that is stored. */
  private async districtsOf(table: 'district' | 'school', ids: readonly number[]): Promise<Map<number, number>> {
    type Row = Record<'district_id' | 'school_id', number>;
    const id = `${table}_id` as const;
    const rows = await selectByIds<Row>(this.transaction, table, id, [...new Set(ids)]);
    return new Map(rows.map((row) => [row[id], row.district_id]));
  }
}

function isSame(one: CalendarRow, other: CalendarRow | undefined): boolean {
  return other !== undefined && calendarColumns.every((column) => one[column] === other[column]);
}

const districtUnknown = new Fault('REFERENCE', 'no district with this id is stored');
const schoolElsewhere = new Fault('REFERENCE', 'no school with this id is stored in the district');
const endsBefore = new Fault('ORDER', 'must not be before the first day');
const tooMany = new Fault('CALENDAR_LONG', `a district has at most ${calendarLinesMax} lines`);

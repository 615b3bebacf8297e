import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import { hasErrno, OperatorError } from '../workers/errors.ts';

const formatVersion = 1;
const markerName = 'tapline.json';

/** How long the directory's lock is waited for: somebody may be looking whether it is held. */
const lockWaitMs = 500;

const marker = z.object({
  format: z.int(),
  /** Shards of the journal; null until the service first ran. */
  shards: z.int().positive().nullable(),
});
type Marker = z.infer<typeof marker>;

/** Where a running service is reached; written when it is ready. */
export interface ServiceAddress {
  readonly pid: number;
  readonly url: string;
  readonly stream: string;
  readonly clickhouseUrl: string;
  readonly clickhousePid: number | null;
  /** The dashboards' server. */
  readonly dashboardsUrl: string;
}

/** The folder that holds everything a Tapline has; knows its format, and which process uses it. */
export class DataDirectory {
  readonly path: string;
  readonly journal: string;
  #lock: Database.Database | undefined;

  private constructor(directory: string) {
    this.path = directory;
    this.journal = path.join(directory, 'journal');
  }

  /** Opens a data directory, and makes it if it is missing or empty. Throws DATA_VERSION, DATA_FOREIGN. */
  static open(directory: string): DataDirectory {
    const data = new DataDirectory(path.resolve(directory));
    fs.mkdirSync(data.path, { recursive: true, mode: 0o700 });
    if (!fs.existsSync(data.#file(markerName))) {
      if (fs.readdirSync(data.path).length > 0) {
        const remedy = 'Name an empty or a new directory with --data.';
        throw new OperatorError('DATA_FOREIGN', `${directory} holds files that are not Tapline's`, remedy);
      }
      // Children's names and whereabouts lie in here: for its owner alone, whatever the files' own rights are.
      fs.chmodSync(data.path, 0o700);
      data.#writeMarker({ format: formatVersion, shards: null });
    }
    data.#checkFormat();
    return data;
  }

  /** Opens a data directory that must be there already. Throws DATA_MISSING. */
  static openExisting(directory: string): DataDirectory {
    if (!fs.existsSync(path.join(directory, markerName))) {
      const remedy = 'Name the right one with --data, or begin with "tapline import" or "tapline up".';
      throw new OperatorError('DATA_MISSING', `${directory} is no data directory`, remedy);
    }
    return DataDirectory.open(directory);
  }

  /** Shards of the journal, 0 before the service first ran. */
  get shards(): number {
    return this.#readMarker().shards ?? 0;
  }

  /** Fixes the number of shards at the first run; later another number is refused with SHARDS_FIXED. */
  fixShards(wanted: number | undefined, fallback: number): number {
    const { shards } = this.#readMarker();
    if (shards === null) {
      this.#writeMarker({ format: formatVersion, shards: wanted ?? fallback });
      return wanted ?? fallback;
    }
    if (wanted === undefined || wanted === shards) return shards;
    const remedy = `Leave --shards away, or begin another data directory.`;
    throw new OperatorError('SHARDS_FIXED', `this data directory has ${shards} shards, not ${wanted}`, remedy, 2);
  }

  /** Takes the directory for this process until it ends, however it ends. Throws DATA_IN_USE. */
  lock(): void {
    const lock = this.#openLock();
    try {
      // The kernel's lock on this file goes with the process; a pid in a file would outlive it. Somebody who only looks
      // whether it is held holds it for a moment, too.
      lock.exec(`PRAGMA busy_timeout = ${lockWaitMs}`);
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x); COMMIT;');
    } catch (error) {
      lock.close();
      if (!isBusy(error)) throw lockError(error, this.path);
      const remedy = 'End that process first, or name another directory with --data.';
      throw new OperatorError('DATA_IN_USE', `another process uses ${this.path}`, remedy);
    }
    this.#lock = lock;
  }

  unlock(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  /** The running service's address, or undefined if none runs. */
  service(): ServiceAddress | undefined {
    // A service that was killed leaves its address behind, and its pid may be another program's by now: the lock tells.
    if (!this.#isLocked()) return undefined;
    try {
      const address = JSON.parse(fs.readFileSync(this.#file('service.json'), 'utf8')) as ServiceAddress;
      process.kill(address.pid, 0);
      return address;
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ESRCH') || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  announce(address: ServiceAddress): void {
    this.#writeWhole('service.json', JSON.stringify(address), 0o600);
  }

  withdraw(): void {
    fs.rmSync(this.#file('service.json'), { force: true });
  }

  /** A secret of this directory, made at its first use; only its owner may read it. */
  secret(name: 'session.key' | 'admin.token'): Buffer {
    const file = this.#file(name);
    if (!fs.existsSync(file)) this.#writeWhole(name, randomBytes(32).toString('hex'), 0o600);
    return Buffer.from(fs.readFileSync(file, 'utf8').trim(), 'hex');
  }

  #file(name: string): string {
    return path.join(this.path, name);
  }

  #openLock(): Database.Database {
    try {
      return new Database(this.#file('lock.db'));
    } catch (error) {
      throw lockError(error, this.path);
    }
  }

  #isLocked(): boolean {
    if (!fs.existsSync(this.#file('lock.db'))) return false;
    const lock = this.#openLock();
    try {
      lock.exec('SELECT count(*) FROM sqlite_master');
      return false;
    } catch (error) {
      if (isBusy(error)) return true;
      throw lockError(error, this.path);
    } finally {
      lock.close();
    }
  }

  #checkFormat(): void {
    const { format } = this.#readMarker();
    if (format === formatVersion) return;
    const remedy = 'Use the program that wrote it, or another data directory.';
    const message = `${this.path} is of format ${format}, this program reads ${formatVersion}`;
    throw new OperatorError('DATA_VERSION', message, remedy);
  }

  #readMarker(): Marker {
    const file = this.#file(markerName);
    try {
      return marker.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
      const remedy = 'Restore it from a copy, or name another directory with --data.';
      throw new OperatorError('DATA_DAMAGED', `${file} cannot be understood`, remedy);
    }
  }

  #writeMarker(contents: Marker): void {
    this.#writeWhole(markerName, `${JSON.stringify(contents)}\n`, 0o644);
  }

  #writeWhole(name: string, contents: string, mode: number): void {
    const temporary = this.#file(`${name}.tmp`);
    const descriptor = fs.openSync(temporary, 'w', mode);
    fs.writeSync(descriptor, contents);
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
    fs.renameSync(temporary, this.#file(name));
  }
}

/** The library gives an empty code for a file that it cannot open. */
function lockError(error: unknown, directory: string): unknown {
  if (!(error instanceof Error && 'code' in error && /^(SQLITE_.*)?$/.test(String(error.code)))) return error;
  const remedy = 'Let this user write there, see whether the disk is full, or name another directory with --data.';
  return new OperatorError('DATA_UNWRITABLE', `${directory} cannot be locked (${error.message})`, remedy);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^SQLITE_(BUSY|LOCKED)/.test(String(error.code));
}

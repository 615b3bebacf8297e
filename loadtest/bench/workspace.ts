import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningService } from '../clients/running-service.ts';
import { requireServiceCli } from '../service-cli.ts';
import { benchLimits } from './limits.ts';

const openRules = join(import.meta.dirname, '../scenarios/open-rules.json');

/** A temporary folder with a region and a data directory that has it imported; each round works on a copy of its own. */
export class Workspace {
  readonly region: string;
  readonly #home: string;
  readonly #template: string;
  #copies = 0;

  private constructor(home: string) {
    this.#home = home;
    this.region = join(home, 'region');
    this.#template = join(home, 'template');
  }

  static async create(size: string, readers: number): Promise<Workspace> {
    const space = new Workspace(mkdtempSync(join(tmpdir(), 'tapline-bench-')));
    try {
      await space.#fill(size, readers);
      return space;
    } catch (error) {
      space.remove();
      throw error;
    }
  }

  /** A fresh data directory. */
  newData(): string {
    const data = join(this.#home, `data-${++this.#copies}`);
    cpSync(this.#template, data, { recursive: true });
    return data;
  }

  drop(data: string): void {
    rmSync(data, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  async #fill(size: string, readers: number): Promise<void> {
    const { region } = this;
    const count = String(readers + benchLimits.regionReadersSpare);
    await requireServiceCli(['region', '--seed', '1', '--size', size, '--readers', count, '--out', region]);
    // The region's hours, limits and closed days would make this a bench of refusals at some hours.
    copyFileSync(openRules, join(region, 'rules.json'));
    await requireServiceCli(['import', region, '--data', this.#template]);
    const service = await RunningService.start(this.#template, 0);
    try {
      const file = this.#writeTopUps();
      await requireServiceCli(['topup', '--file', file, '--data', this.#template]);
    } finally {
      await service.stop();
    }
  }

  /** The region's own purses would be empty within a second. */
  #writeTopUps(): string {
    const rows = readFileSync(join(this.region, 'pupils.csv'), 'utf8').trim().split('\n').slice(1);
    const lines = rows.map((row) => {
      const pupil = row.slice(0, row.indexOf(','));
      return `${pupil},buffet,${benchLimits.openingKop},bench-${pupil}`;
    });
    const file = join(this.#home, 'purses.csv');
    writeFileSync(file, `pupil_id,purse,kop,key\n${lines.join('\n')}\n`);
    return file;
  }
}

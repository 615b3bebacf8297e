import { defaultRulesVersion, type RulesDocument } from '../rule-set.ts';
import { rulesOfSchool, type SchoolRules } from './school-rules.ts';

interface Saved {
  readonly version: number;
  readonly document: RulesDocument;
  readonly districts: [number, number][];
}

/** The rules in force in a shard, and which district each school belongs to. */
export class RuleBook {
  version = defaultRulesVersion;
  #document: RulesDocument = {};
  #districts = new Map<number, number>();
  /** Read from the document when a school's first tap needs it; forgotten when anything changes. */
  readonly #schools = new Map<number, SchoolRules>();
  /** By district: what its schools without rules of their own share, because a price list may be long. */
  readonly #shared = new Map<number, SchoolRules>();

  of(schoolId: number): SchoolRules {
    let rules = this.#schools.get(schoolId);
    if (rules === undefined) this.#schools.set(schoolId, (rules = this.#read(schoolId)));
    return rules;
  }

  /** 0 for a school that the registry has not told of. */
  districtOf(schoolId: number): number {
    return this.#districts.get(schoolId) ?? 0;
  }

  replace(version: number, document: RulesDocument): void {
    this.version = version;
    this.#document = document;
    this.#schools.clear();
    this.#shared.clear();
  }

  setDistrict(schoolId: number, districtId: number): void {
    this.#districts.set(schoolId, districtId);
    this.#schools.delete(schoolId);
  }

  toJSON(): Saved {
    return { version: this.version, document: this.#document, districts: [...this.#districts] };
  }

  load(saved: Saved): void {
    this.#districts = new Map(saved.districts);
    this.replace(saved.version, saved.document);
  }

  #read(schoolId: number): SchoolRules {
    const districtId = this.districtOf(schoolId);
    const hasOwn = this.#document.schools?.[String(schoolId)] !== undefined;
    const shared = hasOwn ? undefined : this.#shared.get(districtId);
    if (shared !== undefined) return shared;
    const rules = rulesOfSchool(this.#document, districtId, schoolId);
    if (!hasOwn) this.#shared.set(districtId, rules);
    return rules;
  }
}

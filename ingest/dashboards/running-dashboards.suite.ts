import { writeFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { readConfig } from '../config.ts';
import { DataDirectory } from '../data-directory.ts';
import { startService } from '../main.ts';
import { importDirectory } from '../registry/import.ts';
import { setPassword, setToken, addUser, type UserIdentity } from '../registry/users.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { publicKeyOf, uidOf } from '../gateway/running-gateway.suite.ts';
import { removeFolder, temporaryFolder } from '../running-service.suite.ts';
import type { Service } from '../service.ts';

export const password = 'correct horse battery';
const nobody = { districtId: null, schoolId: null, classId: null };

/** One of each role: district 1 has the schools 10 and 11, district 2 the school 20. */
export const users: readonly UserIdentity[] = [
  { ...nobody, name: 'Ада', role: 'admin' },
  { ...nobody, name: 'district', role: 'district', districtId: 1 },
  { ...nobody, name: 'school', role: 'school', schoolId: 10 },
  { ...nobody, name: 'class', role: 'class', classId: 100 },
  { ...nobody, name: 'canteen', role: 'canteen', schoolId: 10 },
  { ...nobody, name: 'operator', role: 'operator', schoolId: 10 },
];

const files = {
  'districts.csv': ['district_id,name', '1,North', '2,South'],
  'schools.csv': [
    'school_id,district_id,name,tz',
    '10,1,Ten,Europe/Moscow',
    '11,1,Eleven,Europe/Moscow',
    '20,2,Twenty,Asia/Irkutsk',
  ],
  'classes.csv': ['class_id,school_id,name,shift', '100,10,1А,1', '101,10,1Б,1', '110,11,2А,1', '200,20,3А,1'],
  'pupils.csv': [
    'pupil_id,class_id,last_name,first_name,entitled',
    ...[1, 2, 3].map((id) => `${id},100,Last${id},First,0`),
    '4,101,Last4,First,0',
    '5,200,Last5,First,0',
  ],
  'cards.csv': [
    'card_uid,pupil_id,status,expires',
    ...[1, 2, 3].map((id) => `${Buffer.from(uidOf(id)).toString('hex')},${id},active,`),
  ],
  'readers.csv': [
    'reader_id,school_id,place,kinds,public_key',
    `1,10,Gate,gate-in gate-out,${publicKeyOf(1)}`,
    `2,20,Gate,gate-in gate-out,${publicKeyOf(2)}`,
  ],
};

/** A service with dashboards, in this process. */
export class RunningDashboards {
  readonly folder = temporaryFolder();
  readonly data = path.join(this.folder, 'data');
  readonly tokens = new Map<string, string>();
  registry!: Registry;
  service!: Service;
  url = '';
  stream = '';

  static async start(): Promise<RunningDashboards> {
    const running = new RunningDashboards();
    for (const [name, lines] of Object.entries(files)) {
      writeFileSync(path.join(running.folder, name), `${lines.join('\n')}\n`);
    }
    running.registry = await openRegistry(DataDirectory.open(running.data).path);
    const report = await importDirectory(running.registry, running.folder);
    if (!report.ok) throw new Error(JSON.stringify(report));
    for (const user of users) {
      await addUser(running.registry, user, Date.now());
      await setPassword(running.registry, user.name, password);
      running.tokens.set(user.role, (await setToken(running.registry, user.name)).token);
    }
    await running.begin();
    return running;
  }

  async begin(flags: Record<string, string> = { dashboardsPort: '0' }): Promise<void> {
    const config = readConfig({ port: '0', shards: '2', ...flags }, {});
    const { service, address } = await startService(config, pino({ level: 'silent' }), this.data);
    this.service = service;
    this.url = address.dashboardsUrl;
    this.stream = address.stream;
  }

  async end(): Promise<void> {
    await this.service.stop();
    await this.registry.close();
    removeFolder(this.folder);
  }

  /** Asks with a user's token. */
  async get(role: string, address: string, headers: Record<string, string> = {}): Promise<Response> {
    const authorization = `Bearer ${this.tokens.get(role)!}`;
    return await fetch(`${this.url}/api/v1/${address}`, { headers: { authorization, ...headers } });
  }

  /** Posts as a page of the server does. */
  async post(address: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const own = { origin: this.url, 'content-type': 'application/json', ...headers };
    return await fetch(`${this.url}/api/v1/${address}`, { method: 'POST', headers: own, body: JSON.stringify(body) });
  }

  /** The cookie of a new session. */
  async signIn(user: string): Promise<string> {
    const response = await this.post('login', { user, password });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return response.headers.getSetCookie()[0].split(';', 1)[0];
  }

  async me(cookie: string): Promise<number> {
    return (await fetch(`${this.url}/api/v1/me`, { headers: { cookie } })).status;
  }
}

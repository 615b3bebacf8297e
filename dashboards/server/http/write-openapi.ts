import { writeFileSync } from 'node:fs';
import { openApiDocument } from './openapi.ts';

// node dashboards/server/http/write-openapi.ts && npx prettier --write dashboards/server/openapi.json
const text = JSON.stringify(openApiDocument(), null, 2);
writeFileSync(new URL('../openapi.json', import.meta.url), `${text}\n`);

import { writeFileSync } from 'node:fs';
import { openApiDocument } from './openapi.ts';
import { adminRoutes } from './routes.ts';

// node ingest/admin/write-openapi.ts && npx prettier --write ingest/admin/openapi.json
const text = JSON.stringify(openApiDocument(adminRoutes), null, 2);
writeFileSync(new URL('openapi.json', import.meta.url), `${text}\n`);

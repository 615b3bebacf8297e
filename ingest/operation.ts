import type { TemplatedApp } from 'uws';
import { HttpExchange } from './gateway/http-exchange.ts';
import type { Metrics } from './metrics.ts';
import { codesDocument } from './protocol/codes.ts';
import type { Service } from './service.ts';

/** `/healthz`, `/readyz`, `/metrics`, `/protocol/codes.json`; anything else is 404. */
export function serveOperation(app: TemplatedApp, service: Service, metrics: Metrics): void {
  const codes = JSON.stringify(codesDocument());
  app.get('/healthz', (response) => new HttpExchange(response).json(200, { alive: true }));
  app.get('/readyz', (response) => {
    const isReady = service.isReady && service.admission.isOpen;
    new HttpExchange(response).json(isReady ? 200 : 503, { ready: isReady, reasons: service.admission.reasons });
  });
  app.get('/metrics', (response) => {
    const exchange = new HttpExchange(response);
    metrics.text().then(
      (text) => exchange.end(200, metrics.contentType, text),
      (error: unknown) => {
        service.log.error({ err: error }, 'the metrics could not be read');
        exchange.json(500, { error: { code: 'INTERNAL', message: 'the metrics could not be read; the log says why' } });
      },
    );
  });
  app.get('/protocol/codes.json', (response) => {
    new HttpExchange(response).end(200, 'application/json; charset=utf-8', codes);
  });
  app.any('/*', (response) => {
    const message = 'nothing is here; readers use /v1/stream, /v1/hello and /v1/taps';
    new HttpExchange(response).json(404, { error: { code: 'NOT_FOUND', message } });
  });
}

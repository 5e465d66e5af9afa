/**
 * What Fastify alone makes of a route: POST /suggest answers the JSON that is in the environment as ANSWER, unchecked.
 *
 * Usage: PORT=3000 ANSWER='{}' node dist/bench/bare-route.js
 */
import Fastify from 'fastify';

const answer = JSON.parse(process.env['ANSWER'] ?? '{}') as object;
const app = Fastify();
app.post('/suggest', async () => answer);
app.get('/readyz', async () => ({ status: 'ok' }));
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });

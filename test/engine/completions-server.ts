import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A body of `POST /v1/completions`. */
export interface Asked {
  model: string;
  prompt: string;
  n: number;
  seed: number;
  max_tokens: number;
  temperature: number;
  top_p: number;
  top_k: number;
  min_p: number;
  logprobs: number;
}

export interface WrittenChoice {
  /** Texts and log-probabilities of its tokens. */
  tokens: [string, number][];
  finish: 'stop' | 'length';
  /** What the text is, where the tokens do not say it. */
  text?: string;
}

type Trouble = 429 | 500 | 503 | 400 | 401 | 'hang' | 'hang-in-body' | 'drop' | 'page';

/** A server that speaks the completions protocol; what it says and suffers is set from outside. */
export class CompletionsServer {
  readonly asked: Asked[] = [];
  /** The keys that it was shown. */
  readonly keys: (string | undefined)[] = [];
  trouble: Trouble | undefined;
  isHealthy = true;
  hasHealthRoute = true;
  /** Refuses more choices at once, as llama-server does. */
  mostChoices = Infinity;
  /** Gives no more choices, whatever was asked. */
  givenChoices = Infinity;
  style: 'tokens' | 'content' | 'content after sampling' = 'tokens';
  /** Connections that the other side closed before they were answered. */
  left = 0;
  /** Runs before an answer is written. */
  before: () => Promise<void> = async () => {};
  choices = (count: number): WrittenChoice[] =>
    Array.from({ length: count }, () => ({
      tokens: [
        ['dough', -1],
        ['dock', -2],
        ['\n', -0.5],
        ['unfin', -3],
      ],
      finish: 'length',
    }));

  private constructor(private readonly _server = createServer()) {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.on('close', () => (this.left += response.writableEnded ? 0 : 1));
      if (request.method === 'GET') this._answerGet(request.url ?? '', response);
      else {
        this.keys.push(request.headers.authorization);
        await this._complete(JSON.parse(Buffer.concat(chunks).toString()) as Asked, response);
      }
    };
    _server.on('request', (request, response: ServerResponse) => void answer(request, response));
  }

  static async start(): Promise<CompletionsServer> {
    const server = new CompletionsServer();
    await once(server._server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this._server.address() as AddressInfo).port}/v1`;
  }

  get name(): string {
    return new URL(this.url).host;
  }

  async close(): Promise<void> {
    if (!this._server.listening) return;
    this._server.close();
    this._server.closeAllConnections();
    await once(this._server, 'close');
  }

  private _answerGet(url: string, response: ServerResponse): void {
    const routes = ['/v1/models', ...(this.hasHealthRoute ? ['/health'] : [])];
    if (!routes.includes(url)) return send(response, 404, { error: { message: 'not found' } });
    send(response, this.isHealthy ? 200 : 503, { object: 'list', data: [] });
  }

  private async _complete(asked: Asked, response: ServerResponse): Promise<void> {
    this.asked.push(asked);
    await this.before();
    const { trouble } = this;
    if (trouble === 'hang') return;
    if (trouble === 'hang-in-body') return void response.writeHead(200).write('{"choices":[');
    if (trouble === 'drop') return void response.destroy();
    if (trouble === 'page') return void response.writeHead(200).end('<html>a proxy</html>');
    if (trouble !== undefined) return send(response, trouble, { error: { message: `about ${asked.prompt}` } });
    if (asked.n > this.mostChoices) return send(response, 400, { error: { message: 'n_cmpl out of range' } });
    send(response, 200, {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 0,
      model: asked.model,
      choices: this.choices(Math.min(asked.n, this.givenChoices)).map(({ tokens, finish, text }, index) => ({
        index,
        text: text ?? tokens.map(([token]) => token).join(''),
        finish_reason: finish,
        logprobs: this._logprobs(tokens),
      })),
      usage: { prompt_tokens: 17, completion_tokens: 4, total_tokens: 21 },
    });
  }

  private _logprobs(tokens: [string, number][]): object {
    if (this.style === 'tokens')
      return {
        tokens: tokens.map(([token]) => token),
        token_logprobs: tokens.map(([, logprob]) => logprob),
        top_logprobs: tokens.map(([token, logprob]) => ({ [token]: logprob })),
        text_offset: tokens.map((_, index) => index),
      };
    const isSampled = this.style === 'content after sampling';
    return {
      content: tokens.map(([token, logprob], id) => ({
        id,
        token,
        bytes: [...Buffer.from(token)],
        ...(isSampled ? { prob: Math.exp(logprob), top_probs: [] } : { logprob, top_logprobs: [] }),
      })),
    };
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

// Runs inside a host's namespace: fetches the URLs it is told, one JSON object a line on stdin, answers on stdout.
// Lets a test ask the tracker questions without a namespace switch and a process for each.
import { get } from 'node:http';
import { createInterface } from 'node:readline';

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, url } = JSON.parse(line);
  const answer = (fields) => process.stdout.write(`${JSON.stringify({ id, ...fields })}\n`);
  const request = get(url, { timeout: 3000, agent: false }, (response) => {
    const parts = [];
    response.on('data', (part) => parts.push(part));
    response.on('end', () => answer({ body: Buffer.concat(parts).toString('latin1') }));
    response.on('error', (error) => answer({ error: error.message }));
  });
  request.on('timeout', () => request.destroy(new Error('timed out')));
  request.on('error', (error) => answer({ error: error.message }));
});

const fs = require('fs');
const http = require('http');
const units = JSON.parse(fs.readFileSync('units/length.json'));
http.createServer((req, res) => {
  const url = new URL(req.url, 'http://gauge');
  if (url.pathname === '/ready') return res.end('ready');
  const [value, from, to] = ['v', 'from', 'to'].map((key) => url.searchParams.get(key));
  if (!(from in units && to in units)) return res.writeHead(400).end('no such unit');
  res.end(String(Math.round(value * units[from] / units[to] * 1000) / 1000));
}).listen(process.env.PORT, '0.0.0.0');

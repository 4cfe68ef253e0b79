const http = require('http');
const os = require('os');
const lots = ['walnut table', 'brass lamp', 'rag rug'];
http.createServer((req, res) => {
  const url = new URL(req.url, 'http://lots');
  if (url.pathname === '/healthz') return res.end(os.userInfo().username);
  const found = lots.filter((lot) => lot.includes(url.searchParams.get('q') || ''));
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ sale: process.env.SALE, found }));
}).listen(process.env.PORT);

import { createServer } from "node:http";
import { odds } from "./odds";

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const send = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (url.pathname === "/health") return send(200, { status: "ok" });
  if (url.pathname !== "/odds") return send(404, {});
  const dice = Number(url.searchParams.get("dice"));
  const sum = Number(url.searchParams.get("sum"));
  if (!Number.isInteger(dice) || dice < 1 || dice > 6) return send(422, {});
  return send(200, { odds: Number(odds(dice, sum).toFixed(4)) });
});

server.listen(Number(process.env.PORT ?? 3000));

const polka = require("polka");
const { days } = require("@seeds/units");

const sown = { beans: "2 weeks", leek: "20 weeks" };
const send = (res, status, body) => res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

polka()
  .get("/health", (req, res) => send(res, 200, { status: "ok" }))
  .get("/ripe/:seed", (req, res) => {
    const time = sown[req.params.seed];
    return time ? send(res, 200, { days: days(time) }) : send(res, 404, {});
  })
  .listen(process.env.PORT || 3000);

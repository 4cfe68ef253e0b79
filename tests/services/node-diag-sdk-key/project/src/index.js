const express = require("express");
const { priceOf } = require("./payments");

const app = express();
app.get("/health", (req, res) => res.json({ status: "ok" }));
app.get("/price/:seats", (req, res) => res.json({ cents: priceOf(Number(req.params.seats)) }));
app.listen(process.env.PORT || 3000);

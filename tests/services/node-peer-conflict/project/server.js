const express = require("express");
const { graphqlHTTP } = require("express-graphql");
const { buildSchema } = require("graphql");

const peaks = [{ name: "Watzmann", metres: 2713 }, { name: "Brocken", metres: 1141 }];
const schema = buildSchema("type Peak { name: String!, metres: Int! } type Query { peaks(above: Int = 0): [Peak!]! }");
const root = { peaks: ({ above }) => peaks.filter((peak) => peak.metres > above) };

const app = express();
app.get("/healthz", (req, res) => res.json({ status: "ok" }));
app.use("/graphql", graphqlHTTP({ schema, rootValue: root }));
app.listen(process.env.PORT || 4000);

import Fastify from "fastify";

const app = Fastify({ logger: true });
const laps = [];

app.get("/health", async () => ({ laps: laps.length }));
app.post("/laps", async (request, reply) => {
  const seconds = Number(request.body?.seconds);
  if (!(seconds > 0)) return reply.code(422).send({});
  laps.push(seconds);
  return reply.code(201).send({ best: Math.min(...laps) });
});

const start = async () => {
  try {
    await app.listen({ port: process.env.PORT || 3000 });
  } catch (error) {
    app.log.error(error);
    process.exit(1);
  }
};
start();

const bodyParser = require('koa-bodyparser');

module.exports = (app, timetable) => {
  const booked = [];
  app.use(bodyParser());
  app.use(async (ctx) => {
    if (ctx.path !== '/bookings' || ctx.method !== 'POST') return;
    const { at, name } = ctx.request.body;
    if (!timetable.times.includes(at)) return ctx.throw(422);
    booked.push({ at, name });
    ctx.status = 201;
    ctx.body = { seats: 12 - booked.filter((each) => each.at === at).length };
  });
};

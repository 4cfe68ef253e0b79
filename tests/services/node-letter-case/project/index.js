const Koa = require('koa');
const Timetable = require('./lib/timetable');
const bookings = require('./Routes/Bookings');

const app = new Koa();
const timetable = new Timetable(['08:00', '12:30', '17:45']);

app.use(async (ctx, next) => {
  if (ctx.path === '/health') ctx.body = { status: 'ok' };
  else if (ctx.path === '/next') ctx.body = { at: timetable.after(ctx.query.after || '00:00') };
  else await next();
});
bookings(app, timetable);
app.listen(process.env.PORT || 4000);

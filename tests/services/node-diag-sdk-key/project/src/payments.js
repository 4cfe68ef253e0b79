const Stripe = require("stripe");

const stripe = new Stripe(process.env.STRIPE_SECRET_KEY, { maxNetworkRetries: 2 });

exports.priceOf = (seats) => seats * 1450;
exports.pay = (seats) => stripe.checkout.sessions.create({ mode: "payment", line_items: [{ price: "seat", quantity: seats }] });

const ms = require("ms");

exports.days = (text) => Math.round(ms(text) / 86400000);

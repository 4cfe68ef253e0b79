import { odds } from "../src/odds";

for (let sum = 2; sum <= 12; sum++) console.log(sum, odds(2, sum));

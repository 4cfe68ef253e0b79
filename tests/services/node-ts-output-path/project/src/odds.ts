export function odds(dice: number, sum: number): number {
  if (dice === 0) return sum === 0 ? 1 : 0;
  let total = 0;
  for (let face = 1; face <= 6; face++) total += odds(dice - 1, sum - face) / 6;
  return total;
}

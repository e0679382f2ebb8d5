/** The standard normal distribution: what BCa and Wilson intervals need of it, and no more. */

/**
 * Probability that a standard normal variable is at most `x`.
 * Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969); absolute error below 1e-15.
 */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x / Math.SQRT2);
}

// Coefficients of Cody's three ranges: |x| <= 0.46875, up to 4, and beyond.
const A = [3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3, 1.85777706184603153e-1] as const;
const B = [2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3] as const;
const C = [
  5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2, 8.8195222124176909e2, 1.71204761263407058e3,
  2.05107837782607147e3, 1.23033935479799725e3, 2.15311535474403846e-8,
] as const;
const D = [
  1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
  3.43936767414372164e3, 1.23033935480374942e3,
] as const;
const P = [
  3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4,
  1.63153871373020978e-2,
] as const;
const Q = [2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3] as const;

/** 1 - erf(x), without the cancellation. */
function erfc(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) {
    const z = y * y;
    let numerator = A[4] * z;
    let denominator = z;
    for (let i = 0; i < 3; i++) {
      numerator = (numerator + A[i]!) * z;
      denominator = (denominator + B[i]!) * z;
    }
    return 1 - (x * (numerator + A[3])) / (denominator + B[3]);
  }
  let tail: number;
  if (y <= 4) {
    let numerator = C[8] * y;
    let denominator = y;
    for (let i = 0; i < 7; i++) {
      numerator = (numerator + C[i]!) * y;
      denominator = (denominator + D[i]!) * y;
    }
    tail = (numerator + C[7]) / (denominator + D[7]);
  } else {
    const z = 1 / (y * y);
    let numerator = P[5] * z;
    let denominator = z;
    for (let i = 0; i < 4; i++) {
      numerator = (numerator + P[i]!) * z;
      denominator = (denominator + Q[i]!) * z;
    }
    tail = (1 / Math.sqrt(Math.PI) - (z * (numerator + P[4])) / (denominator + Q[4])) / y;
  }
  // exp(-y^2) in two factors, so that the rounding of y^2 does not show in the tail.
  const head = Math.trunc(y * 16) / 16;
  tail *= Math.exp(-head * head) * Math.exp(-(y - head) * (y + head));
  return x < 0 ? 2 - tail : tail;
}

/**
 * The x at which the standard normal distribution reaches probability `p`, for 0 < p < 1; -Infinity at 0, Infinity at 1.
 * Source: M. J. Wichura, algorithm AS 241 (PPND16), Applied Statistics 37 (1988); relative error about 1e-16.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a probability, not ${p}`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q *
        horner(
          r,
          [
            2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
            1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
          ],
        )) /
      horner(
        r,
        [
          5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
          687.1870074920579083, 42.313330701600911252, 1,
        ],
      )
    );
  }
  const tail = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const x =
    tail <= 5
      ? horner(
          tail - 1.6,
          [
            7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
            5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
          ],
        ) /
        horner(
          tail - 1.6,
          [
            1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455,
            1.6763848301838038494, 2.05319162663775882187, 1,
          ],
        )
      : horner(
          tail - 5,
          [
            2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093, 0.29656057182850489123,
            1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
          ],
        ) /
        horner(
          tail - 5,
          [
            2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
            0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1,
          ],
        );
  return q < 0 ? -x : x;
}

/** A polynomial, highest power first. */
function horner(x: number, coefficients: readonly number[]): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

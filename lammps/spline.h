// Cubic splines on equal intervals of [0, h], as polynomials of each interval.
#ifndef METRIPLECTIC_SPLINE_H
#define METRIPLECTIC_SPLINE_H

#include "vector_math.h"

#include <cstddef>
#include <vector>

namespace metriplectic {

// Where r lies: its interval and the fraction of it, 0 <= t <= 1.
struct Place {
  int cell;
  double t;
};

// `functions` splines side by side; coefficient of t^p of spline f: [(cell * 4 + p) * functions + f]
class Splines {
 public:
  Splines() = default;

  // coefficients: of the B-splines, intervals + 3 for each function, one function after the other
  Splines(const std::vector<double> &coefficients, std::size_t functions, double h)
      : functions(functions)
  {
    const std::size_t knots = coefficients.size() / functions, intervals = knots - 3;
    last = double(intervals) - 1.0;
    scale = double(intervals) / h;
    table.resize(intervals * 4 * functions);
    for (std::size_t f = 0; f < functions; ++f)
      for (std::size_t cell = 0; cell < intervals; ++cell) {
        const double *c = coefficients.data() + f * knots + cell;
        double *p = table.data() + cell * 4 * functions + f;
        p[0 * functions] = (c[0] + 4.0 * c[1] + c[2]) / 6.0;
        p[1 * functions] = (c[2] - c[0]) / 2.0;
        p[2 * functions] = (c[0] - 2.0 * c[1] + c[2]) / 2.0;
        p[3 * functions] = (c[3] - c[0] + 3.0 * (c[1] - c[2])) / 6.0;
      }
  }

  METRIPLECTIC_INLINE Place place(double r) const
  {
    const double x = r * scale;
    const double cell = x < last ? x : last;
    return {int(cell), x - double(int(cell))};
  }

  METRIPLECTIC_INLINE double value(Place at, std::size_t f) const
  {
    const double *c = table.data() + std::size_t(at.cell) * 4 * functions + f;
    return c[0] + at.t * (c[functions] + at.t * (c[2 * functions] + at.t * c[3 * functions]));
  }

  METRIPLECTIC_INLINE double slope(Place at, std::size_t f) const
  {
    const double *c = table.data() + std::size_t(at.cell) * 4 * functions + f;
    return scale * (c[functions] + at.t * (2.0 * c[2 * functions] + 3.0 * at.t * c[3 * functions]));
  }

 private:
  std::size_t functions = 1;
  double last = 0.0, scale = 1.0;
  std::vector<double> table;
};

// cutoff factor (1 - x^2)^power with x = r/h, power 0 to 3, and its derivative in r
struct Taper {
  double value, slope;
};

METRIPLECTIC_INLINE Taper taper(double r, double h, int power)
{
  const double x = r / h, u = 1.0 - x * x < 0.0 ? 0.0 : 1.0 - x * x;
  const double below = power == 3 ? u * u : power == 2 ? u : 1.0;    // u^(power - 1)
  return power == 0 ? Taper{1.0, 0.0} : Taper{below * u, -2.0 * power / h * x * below};
}

}    // namespace metriplectic

#endif

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

  // all functions at r at once
  template <std::size_t N> METRIPLECTIC_INLINE void values(double r, double (&out)[N]) const
  {
    const Place at = place(r);
    const double *c = table.data() + std::size_t(at.cell) * 4 * N;
    for (std::size_t f = 0; f < N; ++f)
      out[f] = c[f] + at.t * (c[N + f] + at.t * (c[2 * N + f] + at.t * c[3 * N + f]));
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

// Cutoff factor u^power with u = (1 - r^2/h^2)_+, power 0 to 3, and its derivative in r. Written as
// a polynomial in u with one coefficient that is not zero: vector code has no branches.
class Taper {
 public:
  Taper() = default;
  Taper(double h, int power) : inverse_h(1.0 / h) { c[power] = 1.0; }

  METRIPLECTIC_INLINE double value(double r) const
  {
    const double u = rest(r);
    return c[0] + u * (c[1] + u * (c[2] + u * c[3]));
  }

  METRIPLECTIC_INLINE double slope(double r) const
  {
    const double u = rest(r);
    return -2.0 * r * inverse_h * inverse_h * (c[1] + u * (2.0 * c[2] + 3.0 * u * c[3]));
  }

 private:
  double inverse_h = 1.0;
  double c[4] = {0.0, 0.0, 0.0, 0.0};

  METRIPLECTIC_INLINE double rest(double r) const
  {
    const double x = r * inverse_h, u = 1.0 - x * x;
    return u < 0.0 ? 0.0 : u;
  }
};

}    // namespace metriplectic

#endif

// Tensor splines of two variables on equal intervals, with derivatives (pipeline/lammps/tables.py).
#ifndef METRIPLECTIC_SHEET_H
#define METRIPLECTIC_SHEET_H

#include "potential_file.h"

#include <algorithm>

#include <string>
#include <vector>

namespace metriplectic {

// B-splines of degree P at a fraction t of an interval, and their derivatives in t.
template <int P> struct Basis {
  double value[P + 1], first[P + 1], second[P + 1];

  explicit Basis(double t)
  {
    double b[P + 1] = {1.0}, once[P + 1], twice[P + 1];    // b, and b of degree P - 1 and P - 2
    for (int d = 1; d <= P; ++d) {
      if (d == P - 1) std::copy(b, b + P + 1, twice);
      if (d == P) std::copy(b, b + P + 1, once);
      double saved = 0.0;
      for (int r = 0; r < d; ++r) {
        const double share = b[r] / d;
        b[r] = saved + (r + 1 - t) * share;
        saved = (t + d - 1 - r) * share;
      }
      b[d] = saved;
    }
    const auto at = [](const double *x, int r, int count) { return r < 0 || r >= count ? 0.0 : x[r]; };
    for (int r = 0; r <= P; ++r) {
      value[r] = b[r];
      first[r] = at(once, r - 1, P) - at(once, r, P);
      second[r] = at(twice, r - 2, P - 1) - 2.0 * at(twice, r - 1, P - 1) + at(twice, r, P - 1);
    }
  }
};

class Axis {
 public:
  Axis() = default;
  Axis(const PotentialFile &file, const std::string &name)
  {
    const auto &x = file.numbers(name, 3);
    low = x[0], high = x[1], intervals = int(x[2]);
    scale = intervals / (high - low);
  }

  bool holds(double x) const { return x >= low && x <= high; }

  int cell(double x) const { return std::min(int((x - low) * scale), intervals - 1); }
  double fraction(double x, int cell) const { return (x - low) * scale - cell; }

  double scale = 1.0;    // intervals per unit
  int intervals = 1;

 private:
  double low = 0.0, high = 1.0;
};

}    // namespace metriplectic

#endif

// The pair energy psi(r), half of it to either particle, times s_i s_j (pipeline/closures/pair_energy.py).
#ifndef METRIPLECTIC_PAIR_ENERGY_H
#define METRIPLECTIC_PAIR_ENERGY_H

#include "potential_file.h"
#include "spline.h"

namespace metriplectic {

// psi(r) = s(r) (1 - r^2/h^2)^power and its derivative
class PairEnergy {
 public:
  struct Value {
    double psi, dpsidr;
  };

  PairEnergy(const PotentialFile &file, double h)
      : taper(h, int(file.number("pair_energy.taper"))),
        splines(file.numbers("pair_energy.coefficients"), 1, h)
  {
  }

  METRIPLECTIC_INLINE Value operator()(double r) const
  {
    const Place at = splines.place(r);
    const double s = splines.value(at, 0), factor = taper.value(r);
    return {s * factor, splines.slope(at, 0) * factor + s * taper.slope(r)};
  }

 private:
  Taper taper;
  Splines splines;
};

}    // namespace metriplectic

#endif

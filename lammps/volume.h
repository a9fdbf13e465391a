// The kernel w(r) of d_i = w(0) + sum_j s_i s_j w(r_ij), V_i = 1/d_i (pipeline/closures/volume.py).
#ifndef METRIPLECTIC_VOLUME_H
#define METRIPLECTIC_VOLUME_H

#include "potential_file.h"
#include "spline.h"

namespace metriplectic {

struct Kernel {
  double w, dwdr;
};

// w(r) = exp(s(r)) (1 - r^2/h^2)^power
class Volume {
 public:
  Volume() = default;
  Volume(const PotentialFile &file, double h)
      : self_weight(file.number("volume.self")), taper(h, int(file.number("volume.taper"))),
        splines(file.numbers("volume.coefficients"), 1, h)
  {
  }

  METRIPLECTIC_INLINE Kernel operator()(double r) const
  {
    const Place at = splines.place(r);
    const double amplitude = exponential(splines.value(at, 0));
    const double factor = taper.value(r);
    return {amplitude * factor, amplitude * (splines.slope(at, 0) * factor + taper.slope(r))};
  }

  double self_weight = 0.0;    // w(0)

 private:
  Taper taper;
  Splines splines;
};

}    // namespace metriplectic

#endif

// A box of open, periodic or sliding images (pipeline/space.py).
#ifndef METRIPLECTIC_ENGINE_BOX_H
#define METRIPLECTIC_ENGINE_BOX_H

#include "vectors.h"

#include <cmath>

namespace metriplectic {

METRIPLECTIC_INLINE double rounded(double x) { return (x + ROUND) - ROUND; }

class Box {
 public:
  int D = 3;
  double length[3] = {0.0, 0.0, 0.0};    // 0 marks an open axis
  double slide = 0.0;    // velocity in x of the image above (Lees and Edwards 1972)
  double offset = 0.0;    // how far it has come, reduced to one box length

  Box() = default;
  Box(int D, const double *sides, double slide) : D(D), slide(slide)
  {
    for (int a = 0; a < D; ++a) {
      length[a] = sides[a];
      inverse[a] = sides[a] > 0.0 ? 1.0 / sides[a] : 0.0;
    }
  }

  void set_time(double time) { offset = slide != 0.0 ? std::fmod(slide * time, length[0]) : 0.0; }

  // difference of two positions to that of the nearest images; above: boxes between them in y
  METRIPLECTIC_INLINE Vector nearest(Vector r_ij, double &above) const
  {
    above = rounded(r_ij.y * inverse[1]);
    const double x = r_ij.x - above * offset;
    return {x - rounded(x * inverse[0]) * length[0], r_ij.y - above * length[1],
            r_ij.z - rounded(r_ij.z * inverse[2]) * length[2]};
  }

  // the image in [0, length) on axes that close
  Vector wrapped(Vector r) const
  {
    const double above = std::floor(r.y * inverse[1]);
    r.x -= above * offset, r.y -= above * length[1];
    r.x -= std::floor(r.x * inverse[0]) * length[0];
    r.z -= std::floor(r.z * inverse[2]) * length[2];
    return r;
  }

 private:
  double inverse[3] = {0.0, 0.0, 0.0};
};

}    // namespace metriplectic

#endif

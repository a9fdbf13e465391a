// Periodic images in a box that changes its shape (fix deform with remap v).
#ifndef METRIPLECTIC_IMAGES_H
#define METRIPLECTIC_IMAGES_H

#include "vectors.h"

#include "domain.h"

namespace metriplectic {

// How much faster than a particle of this group mask its image moves, `pbc` as messages between ranks
// give it.
inline Vector image_velocity(const LAMMPS_NS::Domain &domain, const int *pbc, int mask)
{
  if (!(mask & domain.deform_groupbit)) return {0.0, 0.0, 0.0};
  const double *rate = domain.h_rate;
  return {pbc[0] * rate[0] + pbc[5] * rate[5] + pbc[4] * rate[4], pbc[1] * rate[1] + pbc[3] * rate[3],
          pbc[2] * rate[2]};
}

}    // namespace metriplectic

#endif

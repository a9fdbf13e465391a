// K = lateral I + axial e e^T, through which every dissipative term acts
// (pipeline/metriplectic/pair_tensor.py).
#ifndef METRIPLECTIC_PAIR_TENSOR_H
#define METRIPLECTIC_PAIR_TENSOR_H

#include "vectors.h"

#include <cmath>

namespace metriplectic {

struct PairTensor {
  double lateral, axial;
};

// K[a^2, b^2]
METRIPLECTIC_INLINE PairTensor pair_tensor(double a2, double b2, double inverse_D)
{
  const double lateral = 0.5 * a2;
  return {lateral, lateral + (b2 - a2) * inverse_D};
}

METRIPLECTIC_INLINE double trace(PairTensor K, double inverse_D) { return K.lateral / inverse_D + K.axial; }

// G(v) = K v
METRIPLECTIC_INLINE Vector apply(PairTensor K, Vector e, Vector v)
{
  return K.lateral * v + (K.axial * dot(e, v)) * e;
}

// K^(1/2) xi
METRIPLECTIC_INLINE Vector root(PairTensor K, Vector e, Vector xi)
{
  const double across = std::sqrt(K.lateral), along = std::sqrt(K.lateral + K.axial);
  return across * xi + ((along - across) * dot(e, xi)) * e;
}

}    // namespace metriplectic

#endif

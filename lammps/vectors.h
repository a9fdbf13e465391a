// Vectors of three components; in two dimensions the third is zero.
#ifndef METRIPLECTIC_VECTORS_H
#define METRIPLECTIC_VECTORS_H

#include "vector_math.h"

namespace metriplectic {

struct Vector {
  double x, y, z;
};

METRIPLECTIC_INLINE Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
METRIPLECTIC_INLINE Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
METRIPLECTIC_INLINE Vector operator*(double s, Vector a) { return {s * a.x, s * a.y, s * a.z}; }
METRIPLECTIC_INLINE double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

}    // namespace metriplectic

#endif

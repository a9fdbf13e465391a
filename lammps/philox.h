// Random numbers by counting: the same pair at the same step gets the same noise on any rank.
// Philox 4x32-10 of Salmon et al., Proc. SC11, article 16 (2011); the same as pipeline/metriplectic/noise.py.
#ifndef METRIPLECTIC_PHILOX_H
#define METRIPLECTIC_PHILOX_H

#include "vector_math.h"

#include <cmath>

namespace metriplectic {

struct Words {
  std::uint32_t x[4];
};

struct Normals {
  double n[4];
};

METRIPLECTIC_INLINE Words philox(Words c, std::uint32_t k0, std::uint32_t k1)
{
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t(0xD2511F53u) * c.x[0];
    const std::uint64_t p1 = std::uint64_t(0xCD9E8D57u) * c.x[2];
    c = {{std::uint32_t(p1 >> 32) ^ c.x[1] ^ k0, std::uint32_t(p1),
          std::uint32_t(p0 >> 32) ^ c.x[3] ^ k1, std::uint32_t(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// independent N(0, 1) from random words (Box and Muller 1958)
METRIPLECTIC_INLINE Normals normals(Words w)
{
  double u[4];
  for (int k = 0; k < 4; ++k) u[k] = (double(w.x[k]) + 0.5) * 0x1p-32;
  Normals out;
  for (int k = 0; k < 4; k += 2) {
    const double radius = std::sqrt(-2.0 * logarithm(u[k]));
    const Turn angle = turn(u[k + 1]);
    out.n[k] = radius * angle.cosine;
    out.n[k + 1] = radius * angle.sine;
  }
  return out;
}

struct NoiseKey {
  std::uint64_t seed, step;
};

// drawn for the ordered pair and reversed where tag_i > tag_j
METRIPLECTIC_INLINE Normals pair_normals(NoiseKey key, std::uint32_t tag_i, std::uint32_t tag_j)
{
  const bool swapped = tag_i > tag_j;
  const std::uint32_t low = swapped ? tag_j : tag_i, high = swapped ? tag_i : tag_j;
  const Words counter = {{low, high, std::uint32_t(key.step), std::uint32_t(key.step >> 32)}};
  Normals z = normals(philox(counter, std::uint32_t(key.seed), std::uint32_t(key.seed >> 32)));
  const double sign = swapped ? -1.0 : 1.0;
  for (int k = 0; k < 4; ++k) z.n[k] *= sign;
  return z;
}

}    // namespace metriplectic

#endif

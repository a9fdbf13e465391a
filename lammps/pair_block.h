// Pairs worked on a block at a time: what is scattered in memory is gathered first, the rest are loops
// that become vector code. The plugin and the rollouts of the workflow both run these.
#ifndef METRIPLECTIC_PAIR_BLOCK_H
#define METRIPLECTIC_PAIR_BLOCK_H

#include "pair_kernel.h"
#include "volume.h"

#include <algorithm>
#include <cstddef>

namespace metriplectic {

constexpr std::size_t BLOCK = 64;    // pairs of a block

// Replaces r^2 by s w'(r), and gives s w(r) and the least r^2; s = s_i s_j of n pairs.
inline double weigh(const Volume &volume, int n, const double *s, double *dwdr, double *w)
{
  double least = 1.0;
#pragma omp simd reduction(min : least)
  for (int k = 0; k < n; ++k) {
    least = std::min(least, dwdr[k]);
    const Kernel kernel = volume(std::sqrt(dwdr[k]));
    w[k] = s[k] * kernel.w;
    dwdr[k] = s[k] * kernel.dwdr;
  }
  return least;
}

// What friction, conduction and noise give the pairs of a block in a step.
template <class Friction> struct PairBlock {
  // given
  int n = 0;
  double x[BLOCK], y[BLOCK], z[BLOCK], r[BLOCK];    // r_ij and its length
  Fields i[BLOCK], j[BLOCK];    // of the two particles, v of j that of its image
  std::uint32_t tag_i[BLOCK], tag_j[BLOCK];

  // found
  double px[BLOCK], py[BLOCK], pz[BLOCK];    // impulse of friction and noise that i gains and j loses
  double to_i[BLOCK], to_j[BLOCK];    // heat, of the work half of it at the velocities before the step
  double drag[BLOCK];    // tr K

  void act(Friction &friction, NoiseKey key, const Constants &c);

 private:
  typename Friction::Row rows[BLOCK];
  Normals noise[BLOCK];
};

template <class Friction> void PairBlock<Friction>::act(Friction &friction, NoiseKey key, const Constants &c)
{
  const double root_dt = std::sqrt(c.dt);
  for (int k = 0; k < n; ++k) friction.look_up(r[k], i[k], j[k], rows[k]);
#pragma GCC ivdep
  for (int k = 0; k < n; ++k) noise[k] = pair_normals(key, tag_i[k], tag_j[k]);
#pragma GCC ivdep
  for (int k = 0; k < n; ++k) {
    const Side side_i = side(i[k]), side_j = side(j[k]);
    const Vector e = (1.0 / r[k]) * Vector{x[k], y[k], z[k]}, v_ij = i[k].v - j[k].v;
    const Amplitudes A = saturated(friction(r[k], rows[k], side_i, side_j), side_i, side_j,
                                   c.m * c.limit, c.limit);
    const double *g = noise[k].n;
    const Vector xi = {root_dt * g[0], root_dt * g[1], root_dt * c.z_motion * g[2]};
    const Vector p = impulse(A, side_i, side_j, e, v_ij, xi, c);
    const double q = conducted(A, side_i, side_j, root_dt * g[3], c);
    const double dissipated = -0.25 * dot(p, v_ij);
    to_i[k] = dissipated + q, to_j[k] = dissipated - q;
    px[k] = p.x, py[k] = p.y, pz[k] = p.z;
    drag[k] = trace(pair_tensor(A.a2.value, A.b2.value, c.inverse_D), c.inverse_D);
  }
}

}    // namespace metriplectic

#endif

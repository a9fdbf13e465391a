// Forces and heats of one pair over one step (pipeline/metriplectic/drift.py,
// pipeline/dynamics/integrators.py).
#ifndef METRIPLECTIC_PAIR_KERNEL_H
#define METRIPLECTIC_PAIR_KERNEL_H

#include "friction.h"
#include "pair_tensor.h"
#include "philox.h"

namespace metriplectic {

struct Constants {
  double k_B, m, inverse_D, dt;
  double noise;       // sqrt(2 k_B)
  double limit;       // greatest friction rate of a pair, see saturated
  double z_motion;    // 1 in three dimensions, 0 in two
};

// conservative force of j on i along e_ij: -(P_i/d_i^2 + P_j/d_j^2) w'(r_ij)
METRIPLECTIC_INLINE double pressure_force(double pressure_i, double pressure_j, double dwdr)
{
  return -(pressure_i + pressure_j) * dwdr;
}

// (a^2, b^2) of the friction force: of M grad S and of k_B div M together
METRIPLECTIC_INLINE double friction_weight(Jet x, const Side &i, const Side &j, double k_B)
{
  const double mean_theta = 0.5 * (i.theta + j.theta), mean_kappa = 0.5 * (i.kappa + j.kappa);
  const double slope = 0.5 * (i.inverse_C * x.in_T_i + j.inverse_C * x.in_T_j);
  return mean_theta * x.value + k_B * (slope - mean_kappa * x.value);
}

// heat from j to i per unit time: of M grad S and of k_B div M together
METRIPLECTIC_INLINE double conduction(Jet c2, const Side &i, const Side &j, double k_B)
{
  const double slope = i.inverse_C * c2.in_T_i - j.inverse_C * c2.in_T_j;
  return (i.theta - j.theta) * c2.value + k_B * (slope - (i.kappa - j.kappa) * c2.value);
}

// impulse of friction and noise that i gains and j loses; xi: N(0, dt) components
METRIPLECTIC_INLINE Vector impulse(const Amplitudes &A, const Side &i, const Side &j, Vector e,
                                   Vector v_ij, Vector xi, const Constants &c)
{
  const PairTensor K = pair_tensor(A.a2.value, A.b2.value, c.inverse_D);
  const PairTensor drag = pair_tensor(friction_weight(A.a2, i, j, c.k_B),
                                      friction_weight(A.b2, i, j, c.k_B), c.inverse_D);
  return c.noise * root(K, e, xi) - c.dt * apply(drag, e, v_ij);
}

// heat that i gains and j loses by conduction in a step; dV: its N(0, dt) increment
METRIPLECTIC_INLINE double conducted(const Amplitudes &A, const Side &i, const Side &j, double dV,
                                     const Constants &c)
{
  return c.dt * conduction(A.c2, i, j, c.k_B) + c.noise * std::sqrt(A.c2.value) * dV;
}

}    // namespace metriplectic

#endif

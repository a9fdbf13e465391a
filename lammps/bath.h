// What a particle exchanges with the medium around it, at temperature T_b
// (pipeline/closures/bath.py; pipeline/metriplectic/drift.py, bath_drift):
//
//     m dv_i   = -(g^2 / T_b) (v_i - u_i) dt + sqrt(2 k_B) g dW_i             gamma = g^2 / (m T_b)
//     T_i dS_i = c^2 (1/T_i - 1/T_b) dt + k_B div M dt + sqrt(2 k_B) c dV_i
//
// A medium that feeds motion has gamma < 0, and so a T_b that is the temperature of nothing.
#ifndef METRIPLECTIC_BATH_H
#define METRIPLECTIC_BATH_H

#include "flow.h"
#include "pair_kernel.h"

namespace metriplectic {

// Squared amplitudes of the exchange.
struct Contact {
  double g2, c2, c2_in_T;
};

// What the bath gives a particle in a step.
struct Exchange {
  Vector impulse;
  double heat;
};

class Bath {
 public:
  Bath(const PotentialFile &file, int dimension);

  // Brownian motion: gamma = 2 / dt and m = dt whatever the step, so that D = T_b / 2 is the same
  bool brownian() const { return kind == Kind::BROWNIAN; }
  double temperature() const { return T_b; }
  Contact operator()(double V, double T) const;

  // length of step from which friction that feeds motion cannot be taken at the mean velocity
  double longest_step(double m) const;

  Flow flow;    // of the medium

 private:
  enum class Kind { CROWDED, ACTIVE, BROWNIAN };
  static constexpr double MOST = 2.0;    // greatest friction rate per unit of time

  Kind kind = Kind::BROWNIAN;
  double T_b = 1.0;
  double raw_rate = 0.0, power = 0.0, inverse_V0 = 1.0;    // gamma = 2 / (1 + exp(-x + p ln(V/V0)))
  double kappa = 0.0;                                      // c^2 = kappa T_b T
  double g2 = 0.0;                                         // of a medium that is active
};

inline Bath::Bath(const PotentialFile &file, int dimension)
{
  if (file.word("bath.flow") == "polynomial") flow = Flow(file, dimension);
  const std::string &name = file.word("bath.kind");
  if (name == "active") {
    kind = Kind::ACTIVE;
    g2 = file.number("bath.noise");
    T_b = g2 / file.number("bath.friction");
    return;
  }
  T_b = file.number("bath.temperature");
  if (name == "brownian") return;
  kind = Kind::CROWDED;
  raw_rate = file.number("bath.rate");
  power = file.number("bath.power");
  inverse_V0 = 1.0 / file.number("bath.volume");
  kappa = file.number("bath.conductance");
}

inline Contact Bath::operator()(double V, double T) const
{
  if (kind == Kind::BROWNIAN) return {MOST * T_b, 0.0, 0.0};
  if (kind == Kind::ACTIVE) return {g2, 0.0, 0.0};
  const double rate = MOST / (1.0 + exponential(power * logarithm(V * inverse_V0) - raw_rate));
  return {rate * T_b, kappa * T_b * T, kappa * T_b};
}

inline double Bath::longest_step(double m) const
{
  return kind == Kind::ACTIVE && T_b < 0.0 ? -2.0 * m * T_b / g2 : 1e300;
}

// Heat from the bath per unit time: of M grad S and of k_B div M together, as between the two ends of a
// pair, the other end with C infinite.
inline double conduction(const Contact &contact, double T_b, const Side &at, double k_B)
{
  return (at.theta - 1.0 / T_b) * contact.c2 +
      k_B * (at.inverse_C * contact.c2_in_T - at.kappa * contact.c2);
}

// A step in a bath: its friction is taken at the mean of the velocities before and after
// (pipeline/dynamics/integrators.py; Gronbech-Jensen and Farago, Mol. Phys. 111, 983 (2013)),
//
//     v' - v = b (K - gamma m (v - u) dt + noise) / m,   b = 1 / (1 + gamma dt / 2)
//
// where K is the impulse of all other forces. The bath gives J = m (v' - v) - K.
//
// v, u: velocities of particle and medium; at: the particle's fields; dW, dV: N(0, dt) increments.
inline Exchange exchanged(const Contact &contact, double T_b, Vector v, Vector u, Vector K, const Side &at,
                          Vector dW, double dV, const Constants &c)
{
  const double rate = contact.g2 / (c.m * T_b), b = 1.0 / (1.0 + 0.5 * c.dt * rate);
  const Vector noise = (c.noise * std::sqrt(contact.g2)) * dW;
  const Vector dp = b * (K - (c.m * rate * c.dt) * (v - u) + noise);
  const double heat = c.dt * conduction(contact, T_b, at, c.k_B) + c.noise * std::sqrt(contact.c2) * dV;
  return {dp - K, heat};
}

}    // namespace metriplectic

#endif

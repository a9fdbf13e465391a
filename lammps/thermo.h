// What a pair knows of one of its particles (pipeline/metriplectic/thermo.py).
#ifndef METRIPLECTIC_THERMO_H
#define METRIPLECTIC_THERMO_H

#include "vectors.h"

#include <algorithm>
#include <cmath>

namespace metriplectic {

// Equation of state of one particle: dU = T dS - P dV.
struct Caloric {
  double U, T, P, dTdS;
};

// The fields of a particle that its neighbours read: one cache line.
struct Fields {
  Vector v;
  double T, V;
  double pressure;    // P / d^2
  double dTdS;
  double log_T;    // ln(T / T0)
};

// Entropy that heat q brings at constant volume: C ln(1 + q / (C T)), by its tangent where less than half
// of T would be left; and the heat that an entropy change takes (pipeline/metriplectic/thermo.py).
inline double warmed(double heat, const Fields &at)
{
  constexpr double COOLED = 0.5;
  const double x = heat / at.T, u = x * (at.dTdS / at.T);
  if (u == 0.0) return x;
  return x * (std::log1p(std::max(u, -COOLED)) + std::min(u + COOLED, 0.0) / (1.0 - COOLED)) / u;
}

inline double heat_of(double change, const Fields &at)
{
  const double u = change * at.dTdS / at.T;
  return u == 0.0 ? at.T * change : at.T * change * std::expm1(u) / u;
}

// What holds a driven particle at a temperature: a Newton step of its entropy, at most HELD k_B per unit of
// time (pipeline/dynamics/driven.py).
inline double held_entropy(double temperature, const Fields &at, double dt)
{
  constexpr double HELD = 0.1;
  return std::clamp((temperature - at.T) / at.dTdS, -HELD * dt, HELD * dt);
}

struct Side {
  double T, V, pressure, log_T;
  double theta;        // 1 / T
  double inverse_C;    // (dT/dS) / T
  double kappa;        // (dT/dS) / T^2
};

METRIPLECTIC_INLINE Side side(const Fields &f)
{
  const double theta = 1.0 / f.T, inverse_C = f.dTdS * theta;
  return {f.T, f.V, f.pressure, f.log_T, theta, inverse_C, inverse_C * theta};
}

}    // namespace metriplectic

#endif

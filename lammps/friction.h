// Squared noise amplitudes a^2, b^2, c^2 of a pair and their derivatives in T_i and T_j
// (pipeline/closures/friction.py, amplitudes.py; pipeline/metriplectic/gate.py).
#ifndef METRIPLECTIC_FRICTION_H
#define METRIPLECTIC_FRICTION_H

#include "potential_file.h"
#include "spline.h"
#include "thermo.h"

#include <cmath>

namespace metriplectic {

// A function of T_i and T_j with its two derivatives.
struct Jet {
  double value, in_T_i, in_T_j;
};

METRIPLECTIC_INLINE Jet operator*(Jet x, Jet y)
{
  return {x.value * y.value, x.in_T_i * y.value + x.value * y.in_T_i,
          x.in_T_j * y.value + x.value * y.in_T_j};
}

struct Amplitudes {
  Jet a2, b2, c2;
};

// The factors that all amplitudes share: the cutoff's, and V_i V_j / V0^2 or one.
class RangeFactor {
 public:
  RangeFactor() = default;
  RangeFactor(const PotentialFile &file, double h) : taper(h, int(file.number("friction.taper")))
  {
    const double V0 = file.number("friction.volume");
    const bool volumes = file.number("friction.volume_factor") != 0.0;
    constant = volumes ? 0.0 : 1.0;
    product = volumes ? 1.0 / (V0 * V0) : 0.0;
  }

  METRIPLECTIC_INLINE double operator()(double r, const Side &i, const Side &j) const
  {
    return taper.value(r) * (constant + product * i.V * j.V);
  }

 private:
  Taper taper;
  double constant = 1.0, product = 0.0;
};

// ln a^2 = g0(r) + g1(r) ln T_ij + ln taper [+ ln V_i V_j]; the same for b, c.
// T_ij is the harmonic mean of the temperatures for a and b, the geometric one for c.
class SeparableFriction {
 public:
  // What is read from tables for a pair, before the arithmetic that runs as vectors.
  struct Row {
    double g0[3], g1[3], unused[2];
  };

  SeparableFriction() = default;
  SeparableFriction(const PotentialFile &file, double h)
      : factor(file, h), T0(file.number("friction.temperature"))
  {
    auto coefficients = file.numbers("friction.coefficients");
    coefficients.resize(coefficients.size() / 6 * 8, 0.0);    // rows of eight: one vector register
    splines = Splines(coefficients, 8, h);
  }

  METRIPLECTIC_INLINE void look_up(double r, const Fields &, const Fields &, Row &row) const
  {
    splines.values(r, reinterpret_cast<double(&)[8]>(row));
  }

  METRIPLECTIC_INLINE Amplitudes operator()(double r, const Row &row, const Side &i,
                                            const Side &j) const
  {
    const double sum = i.theta + j.theta;
    const double harmonic = -logarithm(0.5 * T0 * sum), geometric = 0.5 * (i.log_T + j.log_T);
    const double h_i = i.theta * i.theta / sum, h_j = j.theta * j.theta / sum;
    const double scale = factor(r, i, j);
    return {term(row.g0[0], row.g1[0], harmonic, scale, h_i, h_j),
            term(row.g0[1], row.g1[1], harmonic, scale, h_i, h_j),
            term(row.g0[2], row.g1[2], geometric, scale, 0.5 * i.theta, 0.5 * j.theta)};
  }

  double log_T(double T) const { return logarithm(T / T0); }
  long long outside() const { return 0; }

 private:
  RangeFactor factor;
  double T0 = 1.0;
  Splines splines;    // g0 of a, b, c, then g1 of a, b, c, then nothing twice

  // exp(g0 + g1 ln T_ij) scale; mean_i = d ln T_ij / dT_i
  METRIPLECTIC_INLINE static Jet term(double g0, double g1, double log_mean, double scale,
                                      double mean_i, double mean_j)
  {
    const double value = exponential(g0 + g1 * log_mean) * scale;
    return {value, value * g1 * mean_i, value * g1 * mean_j};
  }
};

// a = b = c = 0: particles that exchange momentum with a bath alone
struct NoFriction {
  double log_T(double) const { return 0.0; }
  long long outside() const { return 0; }
};

// s = (1 + rho^4)^(-1/4), which saturates what it multiplies where rho is large
METRIPLECTIC_INLINE Jet saturation(Jet rho)
{
  const double u = rho.value < 1e6 ? rho.value : 1e6, u2 = u * u;
  const double s4 = 1.0 / (1.0 + u2 * u2), s = std::sqrt(std::sqrt(s4));
  const double ds = -u2 * u * s4 * s;
  return {s, ds * rho.in_T_i, ds * rho.in_T_j};
}

// Amplitudes whose friction rate of a pair does not exceed limit; m_limit = m * limit
METRIPLECTIC_INLINE Amplitudes saturated(Amplitudes A, const Side &i, const Side &j, double m_limit,
                                         double limit)
{
  const Jet total = {A.a2.value + A.b2.value, A.a2.in_T_i + A.b2.in_T_i, A.a2.in_T_j + A.b2.in_T_j};
  const double scale = 0.5 / m_limit;
  const Jet mean = {scale * (i.theta + j.theta), -scale * i.theta * i.theta,
                    -scale * j.theta * j.theta};
  const double product = i.theta * j.theta / limit;
  const Jet both = {product, -product * i.theta, -product * j.theta};
  const Jet drag = saturation(mean * total), heat = saturation(both * A.c2);
  return {A.a2 * drag, A.b2 * drag, A.c2 * heat};
}

}    // namespace metriplectic

#endif

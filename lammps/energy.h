// The equation of state U(S, V) with its derivatives (pipeline/closures/energy.py).
#ifndef METRIPLECTIC_ENERGY_H
#define METRIPLECTIC_ENERGY_H

#include "network.h"
#include "potential_file.h"
#include "thermo.h"

#include <cmath>
#include <vector>

namespace metriplectic {

// U = sum_k c_k exp(alpha_k S - beta_k ln(V/V0))
class ExponentialEnergy {
 public:
  ExponentialEnergy() = default;
  explicit ExponentialEnergy(const PotentialFile &file)
      : inverse_V0(1.0 / file.number("energy.volume")), log_c(file.numbers("energy.log_c")),
        alpha(file.numbers("energy.alpha")),
        beta(file.numbers("energy.beta"))
  {
  }

  METRIPLECTIC_INLINE Caloric operator()(double S, double V) const
  {
    const double log_V = logarithm(V * inverse_V0);
    Caloric sum = {0.0, 0.0, 0.0, 0.0};
    for (std::size_t k = 0; k < log_c.size(); ++k) {
      const double term = exponential(log_c[k] + alpha[k] * S - beta[k] * log_V);
      sum.U += term;
      sum.T += alpha[k] * term;
      sum.P += beta[k] * term;
      sum.dTdS += alpha[k] * alpha[k] * term;
    }
    sum.P /= V;
    return sum;
  }

  long long outside() const { return 0; }

 private:
  double inverse_V0 = 1.0;
  std::vector<double> log_c, alpha, beta;
};

// U = T0 network(S / S0, V / V0) from a table over S and ln(V / V0) (networks.py).
class NetworkEnergy {
 public:
  NetworkEnergy() = default;
  explicit NetworkEnergy(const PotentialFile &file);
  Caloric operator()(double S, double V);
  long long outside() const { return beyond; }

 private:
  Axis S_axis, V_axis;
  double S0 = 1.0, V0 = 1.0, T0 = 1.0;
  std::vector<double> table;    // [S][ln V]
  Network network;
  long long beyond = 0;    // evaluations outside the table

  Caloric exact(double S, double V);
};

inline NetworkEnergy::NetworkEnergy(const PotentialFile &file)
    : S_axis(file, "energy.S"), V_axis(file, "energy.log_V"),
      network(file, "energy.network", Network::Unit::SOFTPLUS)
{
  const auto &scales = file.numbers("energy.scales");
  S0 = scales[0], V0 = scales[1], T0 = scales[2];
  table = file.numbers("energy.table");
}

inline Caloric NetworkEnergy::operator()(double S, double V)
{
  const double log_V = std::log(V / V0);
  if (!S_axis.holds(S) || !V_axis.holds(log_V)) return exact(S, V);
  const int S_cell = S_axis.cell(S), V_cell = V_axis.cell(log_V);
  const Basis<5> in_S(S_axis.fraction(S, S_cell)), in_V(V_axis.fraction(log_V, V_cell));
  double U = 0.0, U_S = 0.0, U_SS = 0.0, U_V = 0.0;
  for (int a = 0; a < 6; ++a) {
    const double *row = &table[std::size_t(S_cell + a) * (V_axis.intervals + 5) + V_cell];
    double value = 0.0, slope = 0.0;
    for (int b = 0; b < 6; ++b) {
      value += in_V.value[b] * row[b];
      slope += in_V.first[b] * row[b];
    }
    U += in_S.value[a] * value;
    U_S += in_S.first[a] * value;
    U_SS += in_S.second[a] * value;
    U_V += in_S.value[a] * slope;
  }
  return {U, U_S * S_axis.scale, -U_V * V_axis.scale / V, U_SS * S_axis.scale * S_axis.scale};
}

inline Caloric NetworkEnergy::exact(double S, double V)
{
  ++beyond;
  const double x[2] = {S / S0, V / V0};
  network.evaluate(x, 0, 2);
  return {T0 * network.value()[0], T0 * network.first(0)[0] / S0, -T0 * network.first(1)[0] / V0,
          T0 * network.second()[0] / (S0 * S0)};
}

}    // namespace metriplectic

#endif

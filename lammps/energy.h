// The equation of state U(S, V) with its derivatives (pipeline/closures/energy.py).
#ifndef METRIPLECTIC_ENERGY_H
#define METRIPLECTIC_ENERGY_H

#include "potential_file.h"
#include "thermo.h"

#include <vector>

namespace metriplectic {

// U = sum_k c_k exp(alpha_k S - beta_k ln(V/V0))
class ExponentialEnergy {
 public:
  ExponentialEnergy() = default;
  explicit ExponentialEnergy(const PotentialFile &file)
      : inverse_V0(1.0 / file.number("energy.volume")), log_c(file.numbers("energy.log_c")),
        alpha(file.numbers("energy.alpha", log_c.size())),
        beta(file.numbers("energy.beta", log_c.size()))
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

}    // namespace metriplectic

#endif

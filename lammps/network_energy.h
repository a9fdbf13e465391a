// U = T0 network(S / S0, V / V0) from a table over S and ln(V / V0) (networks.py).
#ifndef METRIPLECTIC_NETWORK_ENERGY_H
#define METRIPLECTIC_NETWORK_ENERGY_H

#include "network.h"
#include "sheet.h"
#include "thermo.h"

namespace metriplectic {

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

}    // namespace metriplectic

#endif

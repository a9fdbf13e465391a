// Small networks with their derivatives, evaluated as they are (pipeline/closures/jets.py).
#ifndef METRIPLECTIC_NETWORK_H
#define METRIPLECTIC_NETWORK_H

#include "potential_file.h"

#include <string>
#include <vector>

namespace metriplectic {

// y = weight x + bias
struct Layer {
  std::size_t inputs = 0, outputs = 0;
  std::vector<double> weight, bias;

  Layer() = default;
  Layer(const PotentialFile &file, const std::string &name);
  void apply(const double *x, double *y, bool with_bias) const;
};

// Two hidden layers: SiLU units, or the softplus units of a monotone network.
class Network {
 public:
  enum class Unit { SILU, SOFTPLUS };

  Network() = default;
  Network(const PotentialFile &file, const std::string &name, Unit unit);

  // Value and its derivatives at x along the inputs `along` and `count - 1` further ones; the
  // second derivative is along the first of them.
  void evaluate(const double *x, std::size_t along, std::size_t count);

  const double *value() const { return work[2].data(); }
  const double *first(std::size_t k) const { return value() + (k + 1) * output.outputs; }
  const double *second() const { return first(derivatives); }
  std::size_t inputs() const { return input.inputs; }

 private:
  Unit unit = Unit::SILU;
  Layer input, hidden, output;
  std::size_t derivatives = 0;
  // Per layer: values, first derivatives along each direction, second derivatives.
  std::vector<double> work[3];

  void activate(std::vector<double> &jet, std::size_t width) const;
  void transform(const Layer &layer, const std::vector<double> &from, std::vector<double> &to) const;
};

}    // namespace metriplectic

#endif
